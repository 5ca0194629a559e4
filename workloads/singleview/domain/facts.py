"""Facts: what an event says about a customer now. A later fact about the same thing replaces an earlier one."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from workloads.contracts.envelope import Message
from workloads.contracts.events import (
    BalanceChanged,
    CancellationReason,
    OrderPlaced,
    PurchaseCancelled,
    PurchaseCompleted,
    PurchaseRefunded,
    PurchaseRejected,
    RejectionReason,
    WalletCredited,
    WalletDebited,
    WalletRefunded,
)
from workloads.contracts.identifiers import region_of_birth
from workloads.contracts.money import Money


class OrderState(StrEnum):
    """How far an order is."""

    PENDING = "Pending"
    COMPLETED = "Completed"
    REJECTED = "Rejected"
    CANCELLED = "Cancelled"
    REFUNDED = "Refunded"


class Wallet(msgspec.Struct, frozen=True, kw_only=True):
    """What a wallet holds."""

    customer_id: str
    balance: Money
    sequence: int


class Points(msgspec.Struct, frozen=True, kw_only=True):
    """How many points a customer has."""

    customer_id: str
    balance: int
    sequence: int


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """How an order stands."""

    customer_id: str
    order_id: str
    state: OrderState | str
    """Another text where a later version wrote the row: it is shown as it is."""
    total: Money
    placed_at: str
    sequence: int
    reason: RejectionReason | CancellationReason | str | None = None


Fact = Wallet | Points | Order
"""Each counts up its own `sequence` within the thing it is about, so that old and new can be told apart."""


def home_region(customer_id: str) -> str:
    """Return the one Region that writes a customer's row: that of birth, as no row was ever moved."""
    return region_of_birth(customer_id)


def fact_of(message: Message) -> Fact | None:  # noqa: PLR0911 - one branch a kind of event
    """Return what an event says about a customer; None if it is nothing that the Single View shows."""
    match message:
        case OrderPlaced():
            return _order(message, OrderState.PENDING)
        case PurchaseCompleted():
            return _order(message, OrderState.COMPLETED)
        case PurchaseRejected():
            return _order(message, OrderState.REJECTED, message.reason)
        case PurchaseCancelled():
            return _order(message, OrderState.CANCELLED, message.reason)
        case PurchaseRefunded():
            return _order(message, OrderState.REFUNDED)
        case WalletCredited() | WalletDebited() | WalletRefunded():
            return Wallet(customer_id=message.customer_id, balance=message.balance, sequence=message.sequence)
        case BalanceChanged():
            return Points(customer_id=message.customer_id, balance=message.points, sequence=message.sequence)
        case _:
            return None


def _order(
    message: OrderPlaced | PurchaseCompleted | PurchaseRejected | PurchaseCancelled | PurchaseRefunded,
    state: OrderState,
    reason: RejectionReason | CancellationReason | None = None,
) -> Order:
    return Order(
        customer_id=message.customer_id,
        order_id=message.order_id,
        state=state,
        total=message.total,
        placed_at=message.placed_at,
        sequence=message.sequence,
        reason=reason,
    )
