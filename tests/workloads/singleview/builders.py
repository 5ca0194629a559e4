"""Builders of the events that the Single View reads, as checkout and loyalty publish them."""

from __future__ import annotations

import msgspec

from tests.workloads.conftest import HERE
from workloads.contracts.envelope import CloudEvent, encode, envelop
from workloads.contracts.events import (
    BalanceChanged,
    DomainEvent,
    OrderLine,
    OrderPlaced,
    PurchaseCompleted,
    PurchaseRejected,
    RejectionReason,
    WalletCredited,
    WalletDebited,
    WalletRefunded,
)
from workloads.contracts.money import Money

CUSTOMER = "us-east-1.c-00042"
PLACED_AT = "2026-01-02T03:04:05.000000Z"
TOTAL = Money(2933, "USD")
LINES = (OrderLine("cd-1", 1, TOTAL),)


def placed(order: str = "o-1", *, customer: str = CUSTOMER, placed_at: str = PLACED_AT) -> OrderPlaced:
    return OrderPlaced(order_id=order, customer_id=customer, lines=LINES, total=TOTAL, placed_at=placed_at, sequence=1)


def completed(order: str = "o-1", *, customer: str = CUSTOMER, placed_at: str = PLACED_AT) -> PurchaseCompleted:
    return PurchaseCompleted(
        order_id=order,
        customer_id=customer,
        lines=LINES,
        total=TOTAL,
        placed_at=placed_at,
        completed_at="2026-01-02T03:04:09.000000Z",
        sequence=2,
    )


def rejected(order: str = "o-1", *, customer: str = CUSTOMER) -> PurchaseRejected:
    return PurchaseRejected(
        order_id=order,
        customer_id=customer,
        total=TOTAL,
        reason=RejectionReason.SOLD_OUT,
        placed_at=PLACED_AT,
        sequence=2,
    )


def credited(balance: int, sequence: int, *, customer: str = CUSTOMER) -> WalletCredited:
    return WalletCredited(
        customer_id=customer,
        deposit_id="d-1",
        amount=Money(1, "USD"),
        balance=Money(balance, "USD"),
        sequence=sequence,
    )


def debited(balance: int, sequence: int, *, customer: str = CUSTOMER) -> WalletDebited:
    return WalletDebited(
        customer_id=customer, order_id="o-1", amount=Money(1, "USD"), balance=Money(balance, "USD"), sequence=sequence
    )


def refunded(balance: int, sequence: int, *, customer: str = CUSTOMER) -> WalletRefunded:
    return WalletRefunded(
        customer_id=customer, order_id="o-1", amount=Money(1, "USD"), balance=Money(balance, "USD"), sequence=sequence
    )


def points(balance: int, sequence: int, *, customer: str = CUSTOMER) -> BalanceChanged:
    return BalanceChanged(customer_id=customer, points=balance, sequence=sequence)


def event(message: DomainEvent, *, region: str = HERE) -> CloudEvent:
    """Return the event that says this."""
    return envelop(
        message,
        event_id="e-1",
        source=message.SOURCE,
        subject="subject",
        time=PLACED_AT,
        originregion=region,
        correlationid="r-1",
        causationid="c-1",
    )


def on_bus(message: DomainEvent, *, region: str = HERE) -> str:
    """Return the message that EventBridge puts into a queue for it."""
    detail = msgspec.Raw(encode(event(message, region=region)))
    return msgspec.json.encode({"time": "2026-01-02T03:04:06Z", "detail": detail}).decode()
