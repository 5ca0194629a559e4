"""Builders of what loyalty's tests start from: purchases as checkout publishes them, and a clock that stands still."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from tests.workloads.conftest import HERE
from workloads.contracts.envelope import CloudEvent, encode, envelop
from workloads.contracts.events import OrderLine, PurchaseCompleted, Source
from workloads.contracts.money import Money
from workloads.loyalty.domain.accounts import Entry, next_entry
from workloads.loyalty.domain.rules import Award

CUSTOMER = "us-east-1.c-00042"
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        return self.moment

    def forward(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


def purchase_completed(
    total: int = 2933, currency: str = "USD", *, order: str = "o-1", customer: str = CUSTOMER
) -> PurchaseCompleted:
    return PurchaseCompleted(
        order_id=order,
        customer_id=customer,
        lines=(OrderLine("cd-1", 1, Money(total, currency)),),
        total=Money(total, currency),
        placed_at="2026-01-02T03:04:00.000000Z",
        completed_at="2026-01-02T03:04:04.000000Z",
        sequence=2,
    )


def purchase(
    total: int = 2933, currency: str = "USD", *, order: str = "o-1", customer: str = CUSTOMER, region: str = HERE
) -> CloudEvent:
    """Return the event of a completed purchase."""
    return envelop(
        purchase_completed(total, currency, order=order, customer=customer),
        event_id=f"e-{order}",
        source=Source.CHECKOUT,
        subject=order,
        time="2026-01-02T03:04:04.000000Z",
        originregion=region,
        correlationid=f"r-{order}",
        causationid=f"c-{order}",
    )


def on_bus(event: CloudEvent) -> str:
    """Return the message that EventBridge puts into a queue for an event."""
    return msgspec.json.encode(
        {
            "version": "0",
            "id": "bus-entry",
            "detail-type": event.type,
            "source": event.source,
            "time": "2026-01-02T03:04:06Z",
            "region": event.originregion,
            "detail": msgspec.Raw(encode(event)),
        }
    ).decode()


def entry(
    points: int = 10,
    *,
    order: str = "o-1",
    region: str = HERE,
    head: Entry | None = None,
    now: datetime = START,
    customer: str = CUSTOMER,
) -> Entry:
    """Return the entry of an award, after `head`."""
    award = Award(customer_id=customer, purchase_id=order, rule="points-for-purchase", points=points)
    return next_entry(award, purchase=purchase(order=order, region=region), head=head, region=region, now=now)
