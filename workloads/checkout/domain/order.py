"""The order: from Pending to Completed or Rejected, once. What it holds and pays is in `reservation` and `wallet`."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from workloads.checkout.domain.home import Home
from workloads.checkout.domain.price import Price
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.contracts.commands import PlaceOrder, RequestedLine
from workloads.contracts.events import OrderLine, OrderPlaced, PurchaseCompleted, PurchaseRejected, RejectionReason
from workloads.contracts.identifiers import order_id, request_hash
from workloads.contracts.money import AmountOutOfBoundsError, CurrencyMismatchError, Money


class OrderState(StrEnum):
    """Where an order stands."""

    PENDING = "Pending"
    COMPLETED = "Completed"
    REJECTED = "Rejected"


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


def fingerprint(command: PlaceOrder) -> str:
    """Return what tells whether two requests under one key ask for the same."""
    return request_hash(command.customer_id, *(f"{line.sku}={line.quantity}" for line in command.lines))


def price_lines(lines: tuple[RequestedLine, ...], prices: Mapping[str, Price]) -> tuple[OrderLine, ...] | Refusal:
    """Put the list price on every line."""
    unknown = sorted({line.sku for line in lines} - prices.keys())
    if unknown:
        return Refusal(RefusalKind.UNKNOWN_SKU, f"no price is known for {', '.join(unknown)}: order what is listed")
    return tuple(OrderLine(line.sku, line.quantity, prices[line.sku].amount) for line in lines)


def place(
    command: PlaceOrder,
    prices: Mapping[str, Price],
    *,
    home: Home,
    now: str,
    acceptance: Acceptance,
    correlation_id: str,
) -> Order | Refusal:
    """Decide on a new order."""
    lines = price_lines(command.lines, prices)
    if isinstance(lines, Refusal):
        return lines
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
    completed = msgspec.structs.replace(order, state=OrderState.COMPLETED, sequence=order.sequence + 1)
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
    """End a pending order without a purchase."""
    rejected = msgspec.structs.replace(order, state=OrderState.REJECTED, sequence=order.sequence + 1, reason=reason)
    event = PurchaseRejected(
        order_id=order.id,
        customer_id=order.customer_id,
        total=order.total,
        reason=reason,
        placed_at=order.placed_at,
        sequence=rejected.sequence,
    )
    return rejected, event


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
