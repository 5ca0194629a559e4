"""Puts domain events and handed-over commands into the entries that are committed with the state they tell of."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from workloads.checkout.application.outbox_entry import OutboxEntry
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain.allotment import LevelEvent, Movement, level_told
from workloads.checkout.domain.handover import Handover
from workloads.checkout.domain.operation import Operation, OperationRecord, acted
from workloads.checkout.domain.order import Acceptance, Order
from workloads.checkout.domain.transfer import Transfer, instruct
from workloads.contracts.clock import timestamp
from workloads.contracts.commands import CancelOrder, DepositToWallet, PlaceOrder, RefundPurchase
from workloads.contracts.envelope import envelop
from workloads.contracts.events import (
    AllotmentTransferred,
    CheckoutRedriven,
    OperatorActed,
    OrderPlaced,
    PurchaseCancelled,
    PurchaseCompleted,
    PurchaseRefunded,
    PurchaseRejected,
    Source,
    StockReleased,
    StockReserved,
    TransferReceived,
    WalletCredited,
    WalletDebited,
    WalletRefunded,
)
from workloads.contracts.identifiers import event_id


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """Why something is done: the request or command that asked for it."""

    id: str
    correlation_id: str
    acceptance: Acceptance
    owner: str | None = None
    """Who may see what became of the command; None for a request, whose sender learns it from the answer."""
    operation: Operation | None = None
    """What an operator asked for, if it was one."""


OrderEvent = OrderPlaced | PurchaseCompleted | PurchaseRejected | PurchaseCancelled | PurchaseRefunded
StockEvent = StockReserved | StockReleased
TransferEvent = AllotmentTransferred | TransferReceived
WalletEvent = WalletCredited | WalletDebited | WalletRefunded


def order_aggregate(order_id: str) -> str:
    """Return the name of an order in the outbox."""
    return f"ORDER#{order_id}"


def order_entry(ports: Ports, order: Order, event: OrderEvent, *, causation_id: str | None = None) -> OutboxEntry:
    """Return the entry of an order's event; the saga's events are caused by the placing of the order."""
    return _entry(
        ports,
        event,
        aggregate=order_aggregate(order.id),
        subject=order.id,
        correlation_id=order.correlation_id,
        causation_id=causation_id or _root(order),
    )


def stock_entry(ports: Ports, order: Order, event: StockEvent) -> OutboxEntry:
    """Return the entry of a reservation's event."""
    return _entry(
        ports,
        event,
        aggregate=f"RESERVATION#{order.id}",
        subject=order.id,
        correlation_id=order.correlation_id,
        causation_id=_root(order),
    )


def level_entries(
    ports: Ports, movements: Iterable[Movement], *, correlation_id: str, causation_id: str
) -> list[OutboxEntry]:
    """Return the entries of the levels that movements of stock tell, one for each that tells another than before."""
    return [
        _entry(
            ports,
            event,
            aggregate=f"ALLOTMENT#{event.sku}#{event.region}",
            subject=event.sku,
            correlation_id=correlation_id,
            causation_id=causation_id,
        )
        for event in map(level_told, movements)
        if event is not None
    ]


def transfer_entry(ports: Ports, event: TransferEvent, cause: Cause) -> OutboxEntry:
    """Return the entry of a transfer's event."""
    return _entry(
        ports,
        event,
        aggregate=f"TRANSFER#{event.transfer_id}#{event.from_region}",
        subject=event.transfer_id,
        correlation_id=cause.correlation_id,
        causation_id=cause.id,
    )


def transfer_command_entry(ports: Ports, transfer: Transfer, cause: Cause) -> OutboxEntry:
    """Return the entry by which the other Region learns of a transfer's units: the same command at every sending."""
    event = envelop(
        instruct(transfer),
        event_id=transfer.command_id,
        source=Source.CHECKOUT,
        subject=transfer.sku,
        time=timestamp(ports.clock.now()),
        originregion=ports.region,
        destinationregion=transfer.to_region,
        correlationid=cause.correlation_id,
        causationid=cause.id,
    )
    return OutboxEntry(aggregate=f"COMMAND#{transfer.command_id}", sequence=transfer.sendings, event=event)


def order_level_entries(ports: Ports, order: Order, movements: Iterable[Movement]) -> list[OutboxEntry]:
    """Return the entries of the levels that an order's units tell."""
    return level_entries(ports, movements, correlation_id=order.correlation_id, causation_id=_root(order))


def redrive_entry(ports: Ports, order: Order, event: CheckoutRedriven, cause: Cause) -> OutboxEntry:
    """Return the entry that asks for one more execution of an order's saga."""
    return _entry(
        ports,
        event,
        aggregate=f"REDRIVE#{order.id}",
        subject=order.id,
        correlation_id=order.correlation_id,
        causation_id=cause.id,
    )


def operation_entry(ports: Ports, record: OperationRecord, cause: Cause) -> OutboxEntry:
    """Return the entry that tells of an operation: one in each Region that writes the operation into its trail."""
    return _entry(
        ports,
        acted(record),
        aggregate=f"OPERATION#{record.operation.id}#{record.region}",
        subject=record.operation.id,
        correlation_id=cause.correlation_id,
        causation_id=cause.id,
    )


def wallet_entry(ports: Ports, event: WalletEvent, *, correlation_id: str, causation_id: str) -> OutboxEntry:
    """Return the entry of a wallet's event."""
    return _entry(
        ports,
        event,
        aggregate=f"WALLET#{event.customer_id}",
        subject=event.customer_id,
        correlation_id=correlation_id,
        causation_id=causation_id,
    )


def payment_entry(ports: Ports, order: Order, event: WalletDebited | WalletRefunded) -> OutboxEntry:
    """Return the entry of a wallet's event that an order caused."""
    return wallet_entry(ports, event, correlation_id=order.correlation_id, causation_id=_root(order))


def handover_entry(
    ports: Ports, handover: Handover, command: PlaceOrder | DepositToWallet | CancelOrder | RefundPurchase, cause: Cause
) -> OutboxEntry:
    """Return the entry by which the customer's home learns of a command that arrived here."""
    event = envelop(
        command,
        event_id=handover.command_id,
        source=Source.CHECKOUT,
        subject=handover.customer_id,
        time=timestamp(ports.clock.now()),
        originregion=ports.region,
        destinationregion=handover.home_region,
        correlationid=cause.correlation_id,
        causationid=cause.id,
    )
    return OutboxEntry(aggregate=f"COMMAND#{handover.command_id}", sequence=1, event=event)


def _root(order: Order) -> str:
    return event_id(Source.CHECKOUT, order_aggregate(order.id), 1)


def _entry(
    ports: Ports,
    event: OrderEvent | CheckoutRedriven | OperatorActed | StockEvent | LevelEvent | TransferEvent | WalletEvent,
    *,
    aggregate: str,
    subject: str,
    correlation_id: str,
    causation_id: str,
) -> OutboxEntry:
    envelope = envelop(
        event,
        event_id=event_id(event.SOURCE, aggregate, event.sequence),
        source=event.SOURCE,
        subject=subject,
        time=timestamp(ports.clock.now()),
        originregion=ports.region,
        correlationid=correlation_id,
        causationid=causation_id,
    )
    return OutboxEntry(aggregate=aggregate, sequence=event.sequence, event=envelope)
