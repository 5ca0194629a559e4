"""What operators did."""

from __future__ import annotations

from typing import TypeAlias

from workloads.checkout.application.changes.change import FrozenChange
from workloads.checkout.application.outbox_entry import OutboxEntry
from workloads.checkout.domain.operation import OperationRecord


class AddOperation(FrozenChange, frozen=True):
    """An entry of the operators' trail, if the operation has none, and the event that tells of it."""

    record: OperationRecord
    told: OutboxEntry


class CountRedrive(FrozenChange, frozen=True):
    """The next redrive of an order, if nobody else has counted it."""

    order_id: str
    number: int


OperationChange: TypeAlias = AddOperation | CountRedrive
