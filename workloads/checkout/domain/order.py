"""The order as a small machine: it ends once, as a purchase or without one, and a purchase can be taken back.

What it holds and pays is in `reservation` and `wallet`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from workloads.checkout.domain.home import Home
from workloads.checkout.domain.listing import Offer, refuse_stopped, refuse_too_many_tokens
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.contracts.commands import PlaceOrder, RequestedLine
from workloads.contracts.events import (
    CancellationReason,
    OrderLine,
    OrderPlaced,
    PurchaseCancelled,
    PurchaseCompleted,
    PurchaseRefunded,
    PurchaseRejected,
    RejectionReason,
)
from workloads.contracts.identifiers import order_id, request_hash
from workloads.contracts.money import AmountOutOfBoundsError, CurrencyMismatchError, Money


class OrderState(StrEnum):
    """Where an order stands, as conditions and the first release know it: open, a purchase, or ended without one."""

    PENDING = "Pending"
    COMPLETED = "Completed"
    REJECTED = "Rejected"


class OrderStatus(StrEnum):
    """Where an order stands, in full."""

    PENDING = "Pending"
    CANCELLING = "Cancelling"
    COMPLETED = "Completed"
    REJECTED = "Rejected"
    CANCELLED = "Cancelled"
    REFUNDED = "Refunded"


FOLLOWING: Final[Mapping[OrderStatus, frozenset[OrderStatus]]] = {
    OrderStatus.PENDING: frozenset(
        {OrderStatus.CANCELLING, OrderStatus.COMPLETED, OrderStatus.REJECTED, OrderStatus.CANCELLED}
    ),
    OrderStatus.CANCELLING: frozenset({OrderStatus.CANCELLED}),
    OrderStatus.COMPLETED: frozenset({OrderStatus.REFUNDED}),
    OrderStatus.REJECTED: frozenset(),
    OrderStatus.CANCELLED: frozenset(),
    OrderStatus.REFUNDED: frozenset(),
}
"""The machine: what can follow."""


class IllegalTransitionError(RuntimeError):
    """An order was to be moved where its machine does not lead."""

    def __init__(self, order_id: str, before: OrderStatus, after: OrderStatus) -> None:
        super().__init__(f"order {order_id} is {before.value}: it can not become {after.value}")


class Acceptance(StrEnum):
    """How an order or a deposit came in first: a repeat under the same key is answered alike."""

    SYNCHRONOUS = "Synchronous"
    ASYNCHRONOUS = "Asynchronous"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's order. It is also the idempotency record of its key: it keeps the request's fingerprint."""

    id: str
    customer_id: str
    request_hash: str
    lines: tuple[OrderLine, ...]
    total: Money
    state: OrderState
    sequence: int
    """The number of its last event."""
    placed_at: str
    home: Home
    """The home that placed it: only that one, at that epoch, may go on with it."""
    acceptance: Acceptance
    correlation_id: str
    reason: RejectionReason | None = None
    cancellation_requested_at: str | None = None
    cancelled: CancellationReason | None = None
    refunded_at: str | None = None

    @property
    def status(self) -> OrderStatus:
        """Return where the order stands."""
        match self.state:
            case OrderState.PENDING:
                return OrderStatus.PENDING if self.cancellation_requested_at is None else OrderStatus.CANCELLING
            case OrderState.COMPLETED:
                return OrderStatus.COMPLETED if self.refunded_at is None else OrderStatus.REFUNDED
            case OrderState.REJECTED:
                return OrderStatus.REJECTED if self.cancelled is None else OrderStatus.CANCELLED


def fingerprint(command: PlaceOrder) -> str:
    """Return what tells whether two requests under one key ask for the same."""
    return request_hash(command.customer_id, *(f"{line.sku}={line.quantity}" for line in command.lines))


def price_lines(lines: tuple[RequestedLine, ...], offers: Mapping[str, Offer]) -> tuple[OrderLine, ...] | Refusal:
    """Put the list price on every line."""
    unknown = sorted({line.sku for line in lines} - offers.keys())
    if unknown:
        return Refusal(RefusalKind.UNKNOWN_SKU, f"no price is known for {', '.join(unknown)}: order what is listed")
    return tuple(OrderLine(line.sku, line.quantity, offers[line.sku].price.amount) for line in lines)


def place(
    command: PlaceOrder,
    offers: Mapping[str, Offer],
    *,
    home: Home,
    now: str,
    acceptance: Acceptance,
    correlation_id: str,
) -> Order | Refusal:
    """Decide on a new order."""
    lines = price_lines(command.lines, offers)
    if isinstance(lines, Refusal):
        return lines
    if (stopped := refuse_stopped(offers)) is not None:
        return stopped
    if (too_many := refuse_too_many_tokens(units_of(lines), offers, region=home.region)) is not None:
        return too_many
    total = _total(lines)
    if isinstance(total, Refusal):
        return total
    return Order(
        id=order_id(command.customer_id, command.idempotency_key),
        customer_id=command.customer_id,
        request_hash=fingerprint(command),
        lines=lines,
        total=total,
        state=OrderState.PENDING,
        sequence=1,
        placed_at=now,
        home=home,
        acceptance=acceptance,
        correlation_id=correlation_id,
    )


def units_of(lines: Iterable[OrderLine]) -> dict[str, int]:
    """Return how many units of each SKU lines ask for: several may name the same one."""
    units: Counter[str] = Counter()
    for line in lines:
        units[line.sku] += line.quantity
    return dict(units)


def placed(order: Order) -> OrderPlaced:
    """Tell that an order was placed."""
    return OrderPlaced(
        order_id=order.id,
        customer_id=order.customer_id,
        lines=order.lines,
        total=order.total,
        placed_at=order.placed_at,
        sequence=1,
    )


def complete(order: Order, *, now: str) -> tuple[Order, PurchaseCompleted]:
    """End a pending order as a purchase."""
    completed = _moved(order, state=OrderState.COMPLETED, sequence=order.sequence + 1)
    event = PurchaseCompleted(
        order_id=order.id,
        customer_id=order.customer_id,
        lines=order.lines,
        total=order.total,
        placed_at=order.placed_at,
        completed_at=now,
        sequence=completed.sequence,
    )
    return completed, event


def reject(order: Order, reason: RejectionReason) -> tuple[Order, PurchaseRejected]:
    """End a pending order without a purchase, because it was refused or failed."""
    rejected = _moved(order, state=OrderState.REJECTED, sequence=order.sequence + 1, reason=reason)
    event = PurchaseRejected(
        order_id=order.id,
        customer_id=order.customer_id,
        total=order.total,
        reason=reason,
        placed_at=order.placed_at,
        sequence=rejected.sequence,
    )
    return rejected, event


def cancel(order: Order, reason: CancellationReason) -> tuple[Order, PurchaseCancelled]:
    """End a pending order without a purchase, because it was called off."""
    cancelled = _moved(order, state=OrderState.REJECTED, sequence=order.sequence + 1, cancelled=reason)
    event = PurchaseCancelled(
        order_id=order.id,
        customer_id=order.customer_id,
        total=order.total,
        reason=reason,
        placed_at=order.placed_at,
        sequence=cancelled.sequence,
    )
    return cancelled, event


def request_cancellation(order: Order, *, now: str) -> Order | Refusal:
    """Decide on a customer's wish to call an order off; one that ended without a purchase stays as it is."""
    match order.status:
        case OrderStatus.PENDING:
            return _moved(order, cancellation_requested_at=now)
        case OrderStatus.COMPLETED:
            return Refusal(
                RefusalKind.ALREADY_COMPLETED,
                f"order {order.id} is a completed purchase: ask for a refund, which an operator grants",
            )
        case _:
            return order


def refund(order: Order, *, now: str) -> tuple[Order, PurchaseRefunded] | Refusal:
    """Decide on taking a purchase back."""
    if order.status is not OrderStatus.COMPLETED:
        return Refusal(
            RefusalKind.NOT_COMPLETED,
            f"order {order.id} is {order.status.value}: only a completed purchase is refunded",
        )
    refunded = _moved(order, refunded_at=now, sequence=order.sequence + 1)
    event = PurchaseRefunded(
        order_id=order.id,
        customer_id=order.customer_id,
        lines=order.lines,
        total=order.total,
        placed_at=order.placed_at,
        refunded_at=now,
        sequence=refunded.sequence,
    )
    return refunded, event


def _moved(order: Order, **changes: Any) -> Order:
    """Return the order after a move; raises IllegalTransitionError."""
    moved = msgspec.structs.replace(order, **changes)
    if moved.status not in FOLLOWING[order.status]:
        raise IllegalTransitionError(order.id, order.status, moved.status)
    return moved


def _total(lines: tuple[OrderLine, ...]) -> Money | Refusal:
    first = lines[0].unit_price.currency
    total = Money(0, first)
    try:
        for line in lines:
            total = total.plus(line.unit_price.times(line.quantity))
    except CurrencyMismatchError as error:
        return Refusal(RefusalKind.MIXED_CURRENCIES, f"the lines are priced in several currencies: {error}")
    except AmountOutOfBoundsError as error:
        return Refusal(RefusalKind.AMOUNT_TOO_LARGE, f"the total is too large: {error}")
    return total
