"""Lambda on the queue of commands from the bus: those of the entry API, and those that other Regions handed over."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import msgspec

from workloads.checkout.application.carry_out import PostponedError, UnknownCommandError, carry_out, refuse
from workloads.checkout.application.outbox_entries import Cause
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain.order import Acceptance
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.checkout.entrypoints.wiring import admitting_ports, with_hot_items
from workloads.contracts.commands import (
    CancelOrder,
    Command,
    DepositToWallet,
    PlaceOrder,
    ReceiveTransfer,
    RefundPurchase,
    ResumeSelling,
    SetAllotment,
    SetPrice,
    SetSellingMode,
    StopSelling,
    TransferAllotment,
)
from workloads.contracts.envelope import CloudEvent, MalformedEventError, decode_from_bus, open_message
from workloads.contracts.identifiers import CustomerId
from workloads.runtime import environment
from workloads.runtime.batches import Message, NotYetError, consume_messages
from workloads.runtime.lifecycle import at_start

OWNING_SCOPES: Final = {
    DepositToWallet.__name__: "wallets.deposit",
    SetPrice.__name__: "catalogue.write",
    SetAllotment.__name__: "stock.write",
    SetSellingMode.__name__: "stock.write",
    TransferAllotment.__name__: "stock.write",
    ReceiveTransfer.__name__: "stock.write",
    StopSelling.__name__: "catalogue.write",
    ResumeSelling.__name__: "catalogue.write",
}
"""Commands of systems of record belong to whoever may give them; all others to the customer whom they are about."""


class _Customer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What must be readable of a malformed command, so that its sender can be told."""

    customer_id: CustomerId


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Carry out each command of a batch."""
    maximum = _maximum_receives()

    def handle(message: Message) -> None:
        receive(_ports(), message.body, tries_left=maximum - message.receives)

    return consume_messages(event, handle)


def receive(ports: Ports, body: str, *, tries_left: int = 0) -> None:
    """Carry out one command; raises where not even its sender is readable, so that it ends in the dead letters.

    What is postponed comes again after the queue's visibility time-out, as often as the queue delivers it. After that
    it is refused and kept as such, for a dead letter would tell its sender nothing.
    """
    event = decode_from_bus(body)
    try:
        command = open_message(event)
    except MalformedEventError as error:
        refusal = Refusal(RefusalKind.MALFORMED_COMMAND, str(error))
        refuse(ports, refusal, _cause(event, _owner_of_malformed(event)))
        return
    if not isinstance(command, Command):
        raise UnknownCommandError(command)
    cause = _cause(event, _owner(event, command))
    try:
        carry_out(ports, command, cause)
    except PostponedError as error:
        if tries_left > 0:
            message = f"{event.type} {event.id}: {error}"
            raise NotYetError(message) from error
        refuse(ports, error.postponed.refusal, cause)


def _cause(event: CloudEvent, owner: str) -> Cause:
    return Cause(id=event.id, correlation_id=event.correlationid, acceptance=Acceptance.ASYNCHRONOUS, owner=owner)


def _owner(event: CloudEvent, command: Command) -> str:
    if isinstance(command, PlaceOrder | CancelOrder | RefundPurchase):
        return command.customer_id
    return OWNING_SCOPES[event.type]


def _owner_of_malformed(event: CloudEvent) -> str:
    if event.type in OWNING_SCOPES:
        return OWNING_SCOPES[event.type]
    try:
        return msgspec.json.decode(event.data, type=_Customer).customer_id
    except msgspec.MsgspecError as error:
        message = f"the command {event.id} ({event.type}) is malformed and names no customer: {error}"
        raise MalformedEventError(message) from error


@cache
def _ports() -> Ports:
    return with_hot_items(admitting_ports())


@cache
def _maximum_receives() -> int:
    return int(environment.required("COMMANDS_MAXIMUM_RECEIVES"))


at_start(_ports, _maximum_receives)
