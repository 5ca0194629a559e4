"""Carry out what an operator asks for, once, and keep the trail of it."""

from __future__ import annotations

from workloads.checkout.application.carry_out import carry_out
from workloads.checkout.application.operations.redrive import redrive
from workloads.checkout.application.operations.repair import repair
from workloads.checkout.application.outbox_entries import Cause
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.refund import refund_order
from workloads.checkout.domain.operation import OPERATORS, Operation, OperationRecord, Redrive, Refund, Repair
from workloads.checkout.domain.order import Acceptance
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.contracts.commands import Command


class UntracedOperationError(RuntimeError):
    """An operation was carried out, or not, and left no trail: a use case does not record its cause."""

    def __init__(self, operation: Operation) -> None:
        super().__init__(f"{operation.action.value} ({operation.id}) left no trail")


def act(ports: Ports, operation: Operation, command: Command | Redrive | Repair | Refund) -> OperationRecord | Refusal:
    """Return what became of an operation, now or when it was asked for first."""
    if (known := ports.store.operation(operation.id)) is not None:
        return _known(known, operation)
    cause = Cause(
        id=operation.id,
        correlation_id=operation.id,
        acceptance=Acceptance.SYNCHRONOUS,
        owner=OPERATORS,
        operation=operation,
    )
    match command:
        case Redrive():
            redrive(ports, command, cause)
        case Repair():
            repair(ports, command, cause)
        case Refund():
            refund_order(ports, command, operation, cause=cause)
        case _:
            carry_out(ports, command, cause)
    record = ports.store.operation(operation.id)
    if record is None:
        raise UntracedOperationError(operation)
    return _known(record, operation)


def _known(record: OperationRecord, operation: Operation) -> OperationRecord | Refusal:
    if record.operation.request_hash != operation.request_hash:
        return Refusal(
            RefusalKind.KEY_REUSED,
            f"this Idempotency-Key was used for {record.operation.action.value} of {record.operation.subject}: "
            "a new operation needs a new key",
        )
    return record
