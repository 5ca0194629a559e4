"""What operators did, as actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workloads.checkout.adapters import items, keys
from workloads.checkout.adapters.transactions.writer import ABSENT, Writer
from workloads.checkout.application.changes import AddOperation, CountRedrive, OperationChange

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


def operation_actions(write: Writer, change: OperationChange) -> list[TransactWriteItemTypeDef]:
    """Return the actions of a change: an operation is kept under its id, and in the trail of its day."""
    match change:
        case AddOperation(record=record):
            fields = items.write_operation(record)
            trail = keys.trail(record.region, record.acted_at, record.operation.id)
            return [write.add(keys.operation(record.operation.id, record.region), fields), write.add(trail, fields)]
        case CountRedrive(order_id=order_id, number=number):
            before = "redrives = :before" if number > 1 else ABSENT
            values = {":before": number - 1} if number > 1 else {}
            return [write.update(keys.redrives(order_id), {"redrives": number}, before, values)]
