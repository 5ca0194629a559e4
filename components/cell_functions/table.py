"""The functions of a cell, as one table: what each is told, may do, and is woken by."""

from collections.abc import Sequence

from components.cell_functions import checkout, identity, loyalty, single_view
from components.cell_functions.rows import FunctionRow, Surroundings


def function_table(around: Surroundings) -> Sequence[FunctionRow]:
    """Return all functions of a cell."""
    contexts = (identity, checkout, loyalty, single_view)
    return [row for context in contexts for row in context.functions(around)]
