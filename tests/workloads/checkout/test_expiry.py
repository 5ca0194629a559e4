"""An order has its units for a time: after it they are others', and a late completion gives the money back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.builders import CD, CUSTOMER, place, shop, usd
from tests.workloads.checkout.cell import AnyCells, MemoryCells, events_of
from tests.workloads.checkout.invariants import check
from tests.workloads.conftest import HERE
from workloads.checkout.application.ports import RESERVATION_LIFETIME, Ports
from workloads.checkout.application.sweep import Swept, sweep
from workloads.checkout.domain.order import OrderStatus
from workloads.checkout.domain.step import Outcome


def paid(ports: Ports) -> str:
    shop(ports, stock=2, price=1000, balance=50_00)
    order = place(ports, (CD, 2))
    steps.reserve(ports, order)
    steps.debit(ports, order)
    return order


def test_an_order_that_is_complete_in_time_keeps_its_units(cells: AnyCells, here: Ports) -> None:
    order = paid(here)
    cells.clock.moment += RESERVATION_LIFETIME - timedelta(seconds=1)

    assert steps.complete(here, order) is Outcome.COMPLETED


def test_what_was_refused_holds_nothing_and_never_expires(cells: AnyCells, here: Ports) -> None:
    shop(here, stock=1)
    refused = place(here, (CD, 2))

    assert steps.reserve(here, refused) is Outcome.SOLD_OUT

    assert cells.state().reservations[refused].expires_at is None


def test_a_late_completion_gives_everything_back(cells: AnyCells, here: Ports) -> None:
    order = paid(here)
    cells.clock.moment += RESERVATION_LIFETIME

    assert steps.complete(here, order) is Outcome.RESERVATION_EXPIRED
    steps.refund(here, order)
    steps.release(here, order)
    assert steps.reject(here, order) is Outcome.CANCELLED

    found = here.store.checkout(order, CUSTOMER)
    assert found.order is not None
    assert found.order.status is OrderStatus.CANCELLED
    assert found.account.wallet is not None
    assert found.account.wallet.balance == usd(50_00)
    assert here.store.allotments([CD], HERE)[CD].free == 2
    assert [event["reason"] for event in events_of(cells, "PurchaseCancelled")] == ["ReservationExpired"]
    check(cells.state())


def test_an_order_whose_units_were_given_back_meanwhile_is_not_completed(cells: AnyCells, here: Ports) -> None:
    order = paid(here)
    cells.clock.moment += RESERVATION_LIFETIME
    steps.release(here, order)

    assert steps.complete(here, order) is Outcome.RELEASED
    steps.refund(here, order)
    assert steps.reject(here, order) is Outcome.CANCELLED
    check(cells.state())


def test_the_time_is_also_a_condition_of_the_commit() -> None:
    cells = MemoryCells()
    here = cells.ports()
    order = paid(here)

    def expire() -> None:
        cells.before_commit = lambda: None
        item = here.store.checkout(order, CUSTOMER).reservation
        assert item is not None
        cells.client(HERE).update_item(
            TableName=cells.table,
            Key={"pk": {"S": f"ORDER#{order}"}, "sk": {"S": "RESERVATION"}},
            UpdateExpression="SET expires_at = :past",
            ExpressionAttributeValues={":past": {"S": "2026-01-01T00:00:00.000000Z"}},
        )

    cells.before_commit = expire

    assert steps.complete(here, order) is Outcome.RESERVATION_EXPIRED


def test_the_sweeper_gives_back_what_expired_and_nothing_else(cells: AnyCells, here: Ports) -> None:
    order = paid(here)
    assert sweep(here).released == ()
    cells.clock.moment += RESERVATION_LIFETIME

    swept = sweep(here)

    assert (swept.released, swept.failed) == ((order,), ())
    assert here.store.allotments([CD], HERE)[CD].free == 2
    assert sweep(here) == Swept(released=(), forgotten=(), failed=())
    assert steps.complete(here, order) is Outcome.RELEASED
    steps.refund(here, order)
    assert steps.reject(here, order) is Outcome.CANCELLED
    check(cells.state())


def test_a_purchase_does_not_expire(cells: AnyCells, here: Ports) -> None:
    order = paid(here)
    steps.complete(here, order)
    cells.clock.moment += RESERVATION_LIFETIME

    assert sweep(here) == Swept(released=(), forgotten=(), failed=())


def test_another_regions_reservations_are_left_to_it(cells: AnyCells, here: Ports, there: Ports) -> None:
    paid(here)
    cells.clock.moment += RESERVATION_LIFETIME

    assert sweep(there) == Swept(released=(), forgotten=(), failed=())


def test_what_the_first_release_left_in_the_index_is_forgotten(cells: AnyCells, here: Ports) -> None:
    order = left_in_the_index(cells)

    assert sweep(here) == Swept(released=(), forgotten=(order,), failed=())
    assert sweep(here) == Swept(released=(), forgotten=(), failed=())


@pytest.mark.parametrize(("moment", "left"), [("before_commit", 1), ("after_commit", 0)])
def test_what_could_not_be_forgotten_is_met_again_by_the_next_run(moment: str, left: int) -> None:
    cells = MemoryCells()
    order = left_in_the_index(cells)
    fails = iter([ConnectionError()])

    def fail_once() -> None:
        if (error := next(fails, None)) is not None:
            raise error

    setattr(cells, moment, fail_once)

    assert sweep(cells.ports()) == Swept(released=(), forgotten=(), failed=(order,))
    assert sweep(cells.ports()) == Swept(released=(), forgotten=(order,) * left, failed=())
    check(cells.state())


def left_in_the_index(cells: AnyCells) -> str:
    """Return a purchase that is still in the index of what expires: the first release leaves it there."""
    here = cells.ports()
    order = paid(here)
    steps.complete(here, order)
    cells.client(HERE).update_item(
        TableName=cells.table,
        Key={"pk": {"S": f"ORDER#{order}"}, "sk": {"S": "RESERVATION"}},
        UpdateExpression="SET expiry_bucket = :bucket",
        ExpressionAttributeValues={":bucket": {"S": "us-east-1#007"}},
    )
    cells.clock.moment += RESERVATION_LIFETIME
    return order
