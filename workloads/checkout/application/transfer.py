"""Transfer stock to another Region: send here, receive there, each once, however often it is asked for."""

from __future__ import annotations

from workloads.checkout.application.changes import (
    AddAllotment,
    AddReceipt,
    AddTransfer,
    MoveStock,
    SendTransferAgain,
)
from workloads.checkout.application.deciding import decide
from workloads.checkout.application.outbox_entries import Cause, level_entries, transfer_command_entry, transfer_entry
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.recording import keep, record_of
from workloads.checkout.application.results import Settled
from workloads.checkout.domain import transfer as transfers
from workloads.checkout.domain.order import Acceptance
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.checkout.domain.transfer import Transfer
from workloads.contracts.clock import timestamp
from workloads.contracts.commands import ReceiveTransfer, TransferAllotment


def transfer_allotment(ports: Ports, command: TransferAllotment, cause: Cause) -> Settled | Refusal:
    """Send units of this Region's allotment to another one."""
    return decide(ports, lambda: _send(ports, command, cause))


def receive_transfer(ports: Ports, command: ReceiveTransfer, cause: Cause) -> Settled:
    """Take the units that another Region has sent into this one's allotment."""
    return decide(ports, lambda: _receive(ports, command, cause))


def remind(ports: Ports, transfer_id: str) -> bool:
    """Tell the other Region once more of a transfer without a receipt; return whether there was anything to tell."""
    return decide(ports, lambda: _remind(ports, transfer_id))


def _remind(ports: Ports, transfer_id: str) -> bool:
    known = ports.store.transfer(transfer_id, ports.region)
    if known is None or known.received:
        return False
    again = transfers.send_again(known)
    cause = Cause(id=known.command_id, correlation_id=known.id, acceptance=Acceptance.ASYNCHRONOUS)
    ports.store.commit([SendTransferAgain(again)], [transfer_command_entry(ports, again, cause)])
    return True


def _send(ports: Ports, command: TransferAllotment, cause: Cause) -> Settled | Refusal:
    known = ports.store.transfer(command.transfer_id, ports.region)
    if known is not None:
        return _send_again(ports, known, command, cause)
    current = ports.store.allotments([command.sku], ports.region).get(command.sku)
    decided = transfers.send(
        current, command, region=ports.region, regions=ports.regions, now=timestamp(ports.clock.now())
    )
    if isinstance(decided, Refusal):
        keep(ports, cause, decided)
        return decided
    transfer, movement = decided
    ports.store.commit(
        [AddTransfer(transfer), MoveStock(movement), *record_of(ports, cause, Settled())],
        [
            transfer_entry(ports, transfers.sent(transfer), cause),
            transfer_command_entry(ports, transfer, cause),
            *level_entries(ports, [movement], correlation_id=cause.correlation_id, causation_id=cause.id),
        ],
    )
    return Settled()


def _send_again(ports: Ports, known: Transfer, command: TransferAllotment, cause: Cause) -> Settled | Refusal:
    """Answer a request for a transfer that was made; where no receipt has come, tell the other Region once more.

    The other Region takes the units in once, whatever it is told: to ask again is always safe.
    """
    if not known.asked_for_by(command):
        refusal = Refusal(
            RefusalKind.KEY_REUSED, "this Idempotency-Key was used for another transfer: a new one needs a new key"
        )
        keep(ports, cause, refusal)
        return refusal
    if known.received:
        keep(ports, cause, Settled())
        return Settled()
    again = transfers.send_again(known)
    ports.store.commit(
        [SendTransferAgain(again), *record_of(ports, cause, Settled())], [transfer_command_entry(ports, again, cause)]
    )
    return Settled()


def _receive(ports: Ports, command: ReceiveTransfer, cause: Cause) -> Settled:
    if ports.store.receipt(command.transfer_id, command.from_region) is not None:
        keep(ports, cause, Settled())
        return Settled()
    current = ports.store.allotments([command.sku], ports.region).get(command.sku)
    receipt, movement = transfers.receive(current, command, region=ports.region, now=timestamp(ports.clock.now()))
    change = AddAllotment(movement) if current is None else MoveStock(movement)
    ports.store.commit(
        [AddReceipt(receipt), change, *record_of(ports, cause, Settled())],
        [
            transfer_entry(ports, transfers.received(receipt), cause),
            *level_entries(ports, [movement], correlation_id=cause.correlation_id, causation_id=cause.id),
        ],
    )
    if not movement.after.selling.is_plain():
        # They are sold as tokens, or make up for what a cut took. Lost, this is made up for within a minute.
        ports.hot_items.queues.wake(command.sku)
    return Settled()
