"""The functions of a cell, a module for each context."""

from components.cell_functions.rows import FunctionRow, Surroundings
from components.cell_functions.table import function_table

__all__ = ["FunctionRow", "Surroundings", "function_table"]
