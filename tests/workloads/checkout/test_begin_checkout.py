"""A checkout begins with its units: who gets them goes on in a saga, who can not have them ends without one."""

from __future__ import annotations

import msgspec
import pytest

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.builders import CD, CUSTOMER, allot, deposit, list_price, place, request, shop, usd
from tests.workloads.checkout.cell import AnyCells, MemoryCells, events_of
from tests.workloads.checkout.invariants import check
from tests.workloads.checkout.test_faults import Faults
from tests.workloads.conftest import HERE
from tests.workloads.functions import queue_batch
from workloads.checkout.application.cancel import cancel_order
from workloads.checkout.application.ports import RESERVATION_LIFETIME, Ports
from workloads.checkout.application.sweep import sweep
from workloads.checkout.domain.order import OrderStatus
from workloads.checkout.domain.step import NothingReservedError, Outcome
from workloads.checkout.entrypoints.saga_messages import SagaStart
from workloads.checkout.entrypoints.saga_starter import LONGEST, begin, begin_each
from workloads.contracts.commands import CancelOrder


class Started:
    """Sagas that only remember what was started."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def start(self, order_id: str, customer_id: str, *, redrive: int = 0) -> None:
        assert customer_id == CUSTOMER
        self.names.append(f"{order_id}.r{redrive}" if redrive else order_id)


class Throttled:
    """Sagas of which none can be started."""

    def start(self, order_id: str, customer_id: str, *, redrive: int = 0) -> None:  # noqa: ARG002 - the port's names
        raise TimeoutError


def message(order: str, *, redrive: int = 0) -> SagaStart:
    return SagaStart(order_id=order, customer_id=CUSTOMER, redrive=redrive)


def status(ports: Ports, order_id: str) -> OrderStatus:
    order = ports.store.order(order_id).order
    assert order is not None
    return order.status


def test_an_order_holds_its_units_before_its_saga_starts(cells: AnyCells, here: Ports) -> None:
    shop(here, stock=3, price=1000, balance=50_00)
    order, sagas = place(here, (CD, 2)), Started()

    begin(here, sagas, message(order))

    assert sagas.names == [order]
    assert cells.state().reservations[order].units == {CD: 2}
    assert [steps.debit(here, order), steps.complete(here, order)] == [Outcome.DEBITED, Outcome.COMPLETED]
    check(cells.state())


def test_a_sold_out_order_is_rejected_without_a_saga_and_told_once(cells: AnyCells, here: Ports) -> None:
    shop(here, stock=1, price=1000, balance=50_00)
    order, sagas = place(here, (CD, 2)), Started()

    for _ in range(2):
        begin(here, sagas, message(order))

    assert sagas.names == []
    assert status(here, order) is OrderStatus.REJECTED
    assert [event["reason"] for event in events_of(cells, "PurchaseRejected")] == ["SoldOut"]
    check(cells.state())


def test_an_order_that_was_called_off_before_takes_no_units_and_no_saga(cells: AnyCells, here: Ports) -> None:
    shop(here, stock=3, price=1000, balance=50_00)
    order, sagas = place(here, (CD, 2)), Started()
    cancel_order(here, CancelOrder(customer_id=CUSTOMER, order_id=order), request())

    begin(here, sagas, message(order))

    assert sagas.names == []
    assert status(here, order) is OrderStatus.CANCELLED
    assert cells.state().allotments[CD, HERE].free == 3
    check(cells.state())


def test_what_the_starter_can_not_reserve_is_left_to_the_saga() -> None:
    cells = MemoryCells()
    here = cells.ports()
    shop(here, stock=3, price=1000, balance=50_00)
    order, sagas = place(here, (CD, 2)), Started()
    cells.before_commit = unreachable

    begin(here, sagas, message(order))

    cells.before_commit = lambda: None
    assert sagas.names == [order]
    with pytest.raises(NothingReservedError, match=order):
        steps.debit(here, order)
    assert cells.state().wallets[CUSTOMER].balance.minor_units == 50_00
    assert steps.reserve(here, order) is Outcome.RESERVED
    assert steps.debit(here, order) is Outcome.DEBITED


def test_a_saga_that_can_not_be_started_is_asked_for_again_and_nothing_is_held_twice(
    cells: AnyCells, here: Ports
) -> None:
    shop(here, stock=3, price=1000, balance=50_00)
    order, sagas = place(here, (CD, 2)), Started()

    with pytest.raises(TimeoutError):
        begin(here, Throttled(), message(order))
    begin(here, sagas, message(order))

    assert sagas.names == [order]
    assert cells.state().allotments[CD, HERE].free == 1
    check(cells.state())


@pytest.mark.parametrize("order", ["placed", "unheard of"])
def test_a_message_of_another_regions_order_starts_and_changes_nothing(
    cells: AnyCells, here: Ports, there: Ports, order: str
) -> None:
    shop(here, stock=3, price=1000, balance=50_00)
    placed, sagas = place(here, (CD, 2)), Started()
    before = cells.items()
    batch = queue_batch(msgspec.json.encode(message(placed if order == "placed" else "o-none")).decode())

    assert begin_each(there, sagas, batch, lambda: 0.0) == {"batchItemFailures": []}

    assert sagas.names == []
    assert cells.items() == before


def test_a_batch_that_is_late_leaves_the_rest_to_its_sagas(cells: AnyCells, here: Ports) -> None:
    shop(here, stock=5, price=1000, balance=50_00)
    orders, sagas = [place(here, (CD, 1), key=key) for key in ("one", "two", "three")], Started()
    batch = queue_batch(*(msgspec.json.encode(message(order)).decode() for order in orders))
    begun_at_and_after = iter([100.0, 100.0, 100.0 + LONGEST - 0.1, 100.0 + LONGEST])

    assert begin_each(here, sagas, batch, lambda: next(begun_at_and_after)) == {"batchItemFailures": []}

    assert sagas.names == orders
    assert cells.state().reservations.keys() == set(orders[:2])
    with pytest.raises(NothingReservedError):
        steps.debit(here, orders[2])
    assert steps.reserve(here, orders[2]) is Outcome.RESERVED
    check(cells.state())


def test_of_a_batch_only_what_could_not_be_started_comes_again(here: Ports) -> None:
    shop(here, stock=5, price=1000, balance=50_00)
    order = place(here, (CD, 1))
    batch = queue_batch("{", msgspec.json.encode(message(order)).decode())

    assert begin_each(here, Started(), batch, lambda: 0.0) == {"batchItemFailures": [{"itemIdentifier": "m-0"}]}
    assert begin_each(here, Throttled(), batch, lambda: 0.0) == {
        "batchItemFailures": [{"itemIdentifier": "m-0"}, {"itemIdentifier": "m-1"}]
    }


@pytest.mark.parametrize("done", range(3))
def test_a_message_that_comes_again_changes_nothing(cells: AnyCells, here: Ports, done: int) -> None:
    shop(here, stock=3, price=1000, balance=50_00)
    order = place(here, (CD, 2))
    begin(here, Started(), message(order))
    for step in (steps.debit, steps.complete)[:done]:
        step(here, order)
    before = cells.items()

    begin(here, Started(), message(order))

    assert cells.items() == before


def test_a_message_that_comes_on_the_way_back_does_not_end_what_still_has_paid(cells: AnyCells, here: Ports) -> None:
    shop(here, stock=3, price=1000, balance=50_00)
    order, sagas = place(here, (CD, 2)), Started()
    begin(here, Started(), message(order))
    steps.debit(here, order)
    steps.release(here, order)

    begin(here, sagas, message(order))

    assert status(here, order) is OrderStatus.PENDING
    assert sagas.names == [order]
    steps.refund(here, order)
    assert steps.reject(here, order) is Outcome.REJECTED
    check(cells.state())


def test_a_redrive_is_always_the_sagas(here: Ports) -> None:
    shop(here, stock=0, price=1000, balance=50_00)
    order, sagas = place(here, (CD, 2)), Started()

    begin(here, sagas, message(order, redrive=2))

    assert sagas.names == [f"{order}.r2"]
    assert status(here, order) is OrderStatus.PENDING


def test_what_expired_before_its_saga_started_ends_as_cancelled_when_it_is_asked_for_again(
    cells: AnyCells, here: Ports
) -> None:
    shop(here, stock=3, price=1000, balance=50_00)
    order, sagas = place(here, (CD, 2)), Started()
    with pytest.raises(TimeoutError):
        begin(here, Throttled(), message(order))
    cells.clock.moment += RESERVATION_LIFETIME

    assert sweep(here).released == (order,)
    begin(here, sagas, message(order))

    assert sagas.names == []
    assert status(here, order) is OrderStatus.CANCELLED
    assert [event["reason"] for event in events_of(cells, "PurchaseCancelled")] == ["ReservationExpired"]
    assert cells.state().allotments[CD, HERE].free == 3
    check(cells.state())


@pytest.mark.parametrize(("stock", "started", "told"), [(3, 2, "StockReserved"), (1, 0, "PurchaseRejected")])
def test_a_message_that_two_starters_have_at_a_time_is_decided_once(stock: int, started: int, told: str) -> None:
    cells = MemoryCells()
    here = cells.ports()
    shop(here, stock=stock, price=1000, balance=50_00)
    order, sagas = place(here, (CD, 2)), Started()

    def the_other_one() -> None:
        cells.before_commit = lambda: None
        begin(here, sagas, message(order))

    cells.before_commit = the_other_one
    begin(here, sagas, message(order))

    assert sagas.names == [order] * started
    assert len(events_of(cells, told)) == 1
    assert cells.state().allotments[CD, HERE].free == 1
    check(cells.state())


@pytest.mark.parametrize("position", [1, 2])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("stock", "end", "told", "free"),
    [(3, OrderStatus.COMPLETED, "PurchaseCompleted", 1), (1, OrderStatus.REJECTED, "PurchaseRejected", 1)],
    ids=["in stock", "sold out"],
)
def test_a_write_of_the_starter_that_fails_or_whose_answer_is_lost_changes_nothing_in_the_end(
    *, stock: int, end: OrderStatus, told: str, free: int, when: str, position: int
) -> None:
    cells = MemoryCells()
    faults = Faults(cells)
    here = faults.ports[0]
    shop(here, stock=stock, price=1000, balance=50_00)
    order, sagas = place(here, (CD, 2)), Started()

    faults.choose(when, position)
    begin(here, sagas, message(order))
    faults.choose("never", 0)
    for name in sagas.names:
        steps.run(here, name)

    assert status(here, order) is end
    assert len(events_of(cells, told)) == 1
    assert cells.state().allotments[CD, HERE].free == free
    check(cells.state())


def test_what_is_not_held_any_more_is_not_paid(cells: AnyCells, here: Ports) -> None:
    shop(here, stock=3, price=1000, balance=50_00)
    released, expired = place(here, (CD, 1), key="one"), place(here, (CD, 1), key="two")
    for order in (released, expired):
        begin(here, Started(), message(order))
    steps.release(here, released)
    cells.clock.moment += RESERVATION_LIFETIME

    assert steps.debit(here, released) is Outcome.RELEASED
    assert steps.debit(here, expired) is Outcome.RESERVATION_EXPIRED

    assert cells.state().wallets[CUSTOMER].balance.minor_units == 50_00


def test_an_order_of_nothing_to_pay_needs_its_units_all_the_same(here: Ports) -> None:
    list_price(here, price=usd(0))
    allot(here)
    deposit(here, 1)
    order = place(here, (CD, 1))

    with pytest.raises(NothingReservedError):
        steps.debit(here, order)

    steps.reserve(here, order)
    assert steps.debit(here, order) is Outcome.DEBITED


def unreachable() -> None:
    raise ConnectionError
