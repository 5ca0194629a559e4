"""What operators did."""

from __future__ import annotations

from typing import TypeAlias

from workloads.checkout.application.changes.change import FrozenChange
from workloads.checkout.domain.operation import OperationRecord


class AddOperation(FrozenChange, frozen=True):
    """An entry of the operators' trail, if the operation has none."""

    record: OperationRecord


class CountRedrive(FrozenChange, frozen=True):
    """The next redrive of an order, if nobody else has counted it."""

    order_id: str
    number: int


OperationChange: TypeAlias = AddOperation | CountRedrive
