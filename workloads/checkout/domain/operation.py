"""What operators do by command, and the trail of it: who did what to what, when and why, and what became of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

import msgspec

from workloads.checkout.domain.command_record import CommandOutcome
from workloads.checkout.domain.refusal import Refusal
from workloads.contracts.events import OperatorActed
from workloads.contracts.identifiers import request_hash

OPERATORS: Final = "operators"
"""Who may see what became of an operation."""

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Action(StrEnum):
    """What an operator can do."""

    REDRIVE = "Redrive"
    REPAIR = "Repair"
    REFUND = "Refund"
    STOP_SELLING = "StopSelling"
    RESUME_SELLING = "ResumeSelling"
    TRANSFER_STOCK = "TransferStock"


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that an operator asks for."""

    id: str
    """Derived from the operator and the key: a repeat is the same operation."""
    operator: str
    action: Action
    subject: str
    """The order or SKU that it is about."""
    reason: str
    """Why, in the operator's words: often the number of an incident."""
    request_hash: str


class OperationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, kept for good: it is written in the transaction of its effect, and never again."""

    operation: Operation
    region: str
    acted_at: str
    outcome: CommandOutcome
    """HandedOver where the order is at home elsewhere: what became of it is in that Region's record."""
    refusal: Refusal | None = None


def acted(record: OperationRecord) -> OperatorActed:
    """Tell of an operation; who it was is told by an id, whose name is in the trail."""
    operation = record.operation
    return OperatorActed(
        operation_id=operation.id,
        operator_id="u-" + request_hash(OPERATORS, operation.operator)[:40],
        action=operation.action.value,
        subject=operation.subject,
        outcome=record.outcome.value,
        refusal=record.refusal.kind.value if record.refusal else None,
        region=record.region,
        acted_at=record.acted_at,
        sequence=1,
    )


class Redrive(msgspec.Struct, frozen=True, kw_only=True):
    """Start the saga of a pending order once more."""

    order_id: str


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    """Settle what an order that has ended still holds."""

    order_id: str


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """Take a completed purchase back."""

    order_id: str


def operation(*, operator: str, key: str, action: Action, subject: str, reason: str, body: bytes) -> Operation:
    """Return an operation; the same operator's same key is the same operation, in every Region, for ever."""
    return Operation(
        id="op-" + request_hash(operator, key)[:40],
        operator=operator,
        action=action,
        subject=subject,
        reason=reason,
        request_hash=request_hash(action.value, body),
    )
