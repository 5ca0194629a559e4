"""Recording: what each event says, by whom it is written, and why order and number of deliveries mean nothing."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.workloads.conftest import HERE, THERE
from tests.workloads.singleview.builders import (
    CUSTOMER,
    LINES,
    PLACED_AT,
    TOTAL,
    completed,
    credited,
    debited,
    event,
    placed,
    points,
    refunded,
    rejected,
)
from tests.workloads.singleview.memory import MemoryRows
from workloads.contracts.events import DomainEvent, RejectionReason, StockReserved
from workloads.contracts.money import Money
from workloads.singleview.application.record_fact import Recorded, record_fact
from workloads.singleview.domain.facts import Order, OrderState, Points, Wallet, fact_of

ELSEWHERE = "eu-west-1.c-7"
RESERVED = StockReserved(order_id="o-1", customer_id=CUSTOMER, lines=LINES, sequence=1)


def record(message: DomainEvent, rows: MemoryRows, *, region: str = HERE, origin: str = HERE) -> Recorded:
    return record_fact(event(message, region=origin), region=region, rows=rows)


@pytest.mark.parametrize(
    ("message", "state", "sequence", "reason"),
    [
        (placed(), OrderState.PENDING, 1, None),
        (completed(), OrderState.COMPLETED, 2, None),
        (rejected(), OrderState.REJECTED, 2, RejectionReason.SOLD_OUT),
    ],
)
def test_an_orders_events_say_how_far_it_is(
    message: DomainEvent, state: OrderState, sequence: int, reason: RejectionReason | None
) -> None:
    assert fact_of(message) == Order(
        customer_id=CUSTOMER,
        order_id="o-1",
        state=state,
        total=TOTAL,
        placed_at=PLACED_AT,
        sequence=sequence,
        reason=reason,
    )


@pytest.mark.parametrize("message", [credited(500, 3), debited(500, 3), refunded(500, 3)])
def test_a_wallets_events_say_what_it_holds(message: DomainEvent) -> None:
    assert fact_of(message) == Wallet(customer_id=CUSTOMER, balance=Money(500, "USD"), sequence=3)


def test_a_changed_balance_says_how_many_points_there_are() -> None:
    assert fact_of(points(29, 4)) == Points(customer_id=CUSTOMER, balance=29, sequence=4)


def test_an_event_that_the_view_does_not_show_is_passed_over() -> None:
    rows = MemoryRows()

    assert record(RESERVED, rows) is Recorded.NOT_SHOWN
    assert rows.facts == {}


@pytest.mark.parametrize(
    ("region", "origin", "customer"),
    [
        (THERE, HERE, CUSTOMER),  # a copy that was delivered in another Region
        (HERE, THERE, CUSTOMER),  # said in a Region that does not speak for this customer
        (HERE, HERE, ELSEWHERE),  # said here about a customer of another home
    ],
)
def test_only_the_home_region_writes_and_only_what_it_said_itself(region: str, origin: str, customer: str) -> None:
    rows = MemoryRows()

    assert record(credited(1, 1, customer=customer), rows, region=region, origin=origin) is Recorded.NOT_HOME
    assert rows.facts == {}


def test_a_repeat_and_an_overtaken_event_change_nothing() -> None:
    rows = MemoryRows()

    outcomes = [record(completed(), rows), record(placed(), rows), record(completed(), rows)]

    assert outcomes == [Recorded.STORED, Recorded.OUTDATED, Recorded.OUTDATED]
    assert rows.read(CUSTOMER, page_token=None).orders[0].state is OrderState.COMPLETED


HISTORY: list[DomainEvent] = [
    credited(9000, 1),
    placed("o-1"),
    debited(6067, 2),
    completed("o-1"),
    points(29, 1),
    placed("o-2"),
    debited(3134, 3),
    refunded(6067, 4),
    rejected("o-2"),
    points(58, 2),
]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(repeats=st.lists(st.sampled_from(HISTORY), max_size=10), data=st.data())
def test_any_order_and_any_repeats_of_a_history_end_in_the_same_view(
    repeats: list[DomainEvent], data: st.DataObject
) -> None:
    delivered = data.draw(st.permutations(HISTORY + repeats))
    rows, in_order = MemoryRows(), MemoryRows()

    for message in delivered:
        record(message, rows)
    for message in HISTORY:
        record(message, in_order)

    assert rows.facts == in_order.facts
