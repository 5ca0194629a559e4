"""The functions of the single view: what keeps its rows, and what shows them."""

from collections.abc import Sequence

from components.cell_functions.rows import QUEUE_TIMEOUT_SECONDS, FunctionRow, Surroundings
from components.naming import Queue, Table
from components.settings import Context
from components.workload import QueueTrigger
from components.workload.permissions import reads_items, writes_items


def functions(around: Surroundings) -> Sequence[FunctionRow]:
    """Return the single view's functions."""
    table = around.shared.table(Table.SINGLE_VIEW)
    customers = ("CUSTOMER#*",)
    return (
        FunctionRow(
            function="singleview-updates",
            context=Context.SINGLE_VIEW,
            entrypoint="updates",
            timeout_seconds=QUEUE_TIMEOUT_SECONDS,
            environment={"SINGLE_VIEW_TABLE": table.name},
            statements=[
                writes_items("WriteRows", table.arn, leading_keys=customers),
                around.uses_the_tables_key(),
            ],
            key_services=("sqs",),
            trigger=QueueTrigger(queue_arn=around.data.queues[Queue.SINGLE_VIEW_UPDATES].arn),
        ),
        FunctionRow(
            function="singleview-api",
            context=Context.SINGLE_VIEW,
            entrypoint="api",
            timeout_seconds=9,
            environment={"SINGLE_VIEW_TABLE": table.name, "PROBLEM_BASE": around.problem_base},
            statements=[
                reads_items("ReadRows", table.arn, leading_keys=customers),
                around.uses_the_tables_key(),
            ],
        ),
    )
