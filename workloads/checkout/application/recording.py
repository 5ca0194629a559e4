"""Keeps what became of an asynchronous command, in the transaction of what it did."""

from __future__ import annotations

from workloads.checkout.application.changes import AddCommandRecord, AddOperation
from workloads.checkout.application.outbox_entries import Cause, operation_entry
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.results import Deposited, HandedOver, Placed, Settled
from workloads.checkout.domain.command_record import CommandOutcome, CommandRecord
from workloads.checkout.domain.operation import OperationRecord
from workloads.checkout.domain.refusal import Refusal
from workloads.contracts.clock import timestamp

Result = Placed | Deposited | HandedOver | Settled | Refusal


def record_of(ports: Ports, cause: Cause, result: Result) -> list[AddCommandRecord | AddOperation]:
    """Return what keeps a command's result, and an operator's trail; nothing for a request, whose answer carries it."""
    if cause.owner is None:
        return []
    record = _record(ports, cause.id, cause.owner, result)
    if cause.operation is None:
        return [AddCommandRecord(record)]
    done = OperationRecord(
        operation=cause.operation,
        region=ports.region,
        acted_at=record.recorded_at,
        outcome=record.outcome,
        refusal=record.refusal,
    )
    return [AddCommandRecord(record), AddOperation(done, operation_entry(ports, done, cause))]


def keep(ports: Ports, cause: Cause, result: Result) -> None:
    """Keep the result of a command that changes nothing else; a command that came twice keeps its first result."""
    changes = record_of(ports, cause, result)
    if changes and ports.store.command(cause.id) is None:
        ports.store.commit(changes)


def _record(ports: Ports, command_id: str, owner: str, result: Result) -> CommandRecord:
    now = timestamp(ports.clock.now())
    match result:
        case Placed(order=order):
            return CommandRecord(
                command_id=command_id,
                owner=owner,
                outcome=CommandOutcome.ACCEPTED,
                recorded_at=now,
                order_id=order.id,
                customer_id=order.customer_id,
            )
        case Deposited(deposit=deposit):
            return CommandRecord(
                command_id=command_id,
                owner=owner,
                outcome=CommandOutcome.ACCEPTED,
                recorded_at=now,
                deposit_id=deposit.id,
                customer_id=deposit.customer_id,
            )
        case HandedOver(handover=handover):
            return CommandRecord(
                command_id=command_id,
                owner=owner,
                outcome=CommandOutcome.HANDED_OVER,
                recorded_at=now,
                order_id=handover.subject if handover.subject.startswith("o-") else None,
                deposit_id=handover.subject if handover.subject.startswith("d-") else None,
                customer_id=handover.customer_id,
                handed_over_as=handover.command_id,
            )
        case Settled():
            return CommandRecord(command_id=command_id, owner=owner, outcome=CommandOutcome.ACCEPTED, recorded_at=now)
        case Refusal():
            return CommandRecord(
                command_id=command_id, owner=owner, outcome=CommandOutcome.REFUSED, recorded_at=now, refusal=result
            )
