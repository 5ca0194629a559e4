"""Many at once on a hot SKU, on the embedded AWS: exact while it is hot, and in both switches."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import repeat

import pytest

from tests.workloads.checkout import sagas
from tests.workloads.checkout.builders import CD, CUSTOMER, allot, list_price, place, usd
from tests.workloads.checkout.cell import Cells, events_of
from tests.workloads.checkout.hot_items.hot_cell import HotCell, caretaker, hot_cell, tend_now
from tests.workloads.checkout.hot_items.selling import HOT, PLAIN, allotment_of, set_mode
from tests.workloads.checkout.invariants import check
from workloads.checkout.application.deciding import UndecidedError
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain.step import Outcome

THREADS = 64


@pytest.fixture
def cell(dynamodb_cells: Cells) -> HotCell:
    return hot_cell(dynamodb_cells)


@pytest.fixture
def here(cell: HotCell, dynamodb_cells: Cells) -> Ports:
    ports = cell.ports(dynamodb_cells.emulator)
    list_price(ports, price=usd(0))
    return ports


def orders_for(ports: Ports, count: int) -> list[str]:
    def an_order(number: int) -> str:
        return place(ports, (CD, 1), customer=f"{CUSTOMER}-{number}")

    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(an_order, range(count)))


def until_decided(ports: Ports, order_id: str) -> Outcome:
    """Ask again as the state machine does."""
    while True:
        try:
            return sagas.reserve(ports, order_id)
        except UndecidedError:
            continue


def settle(ports: Ports) -> None:
    while tend_now(ports, CD):
        pass


def test_of_500_attempts_of_64_threads_on_50_tokens_exactly_50_succeed_and_sold_out_is_told_once(
    dynamodb_cells: Cells, here: Ports
) -> None:
    exactly_all_tokens_are_sold(dynamodb_cells, here, attempts=500, units=50)


@pytest.mark.soak
def test_of_2000_attempts_of_64_threads_on_200_tokens_exactly_200_succeed_and_sold_out_is_told_once(
    dynamodb_cells: Cells, here: Ports
) -> None:
    exactly_all_tokens_are_sold(dynamodb_cells, here, attempts=2000, units=200)


def exactly_all_tokens_are_sold(cells: Cells, here: Ports, *, attempts: int, units: int) -> None:
    allot(here, units=units)
    set_mode(here, HOT, 1)
    settle(here)
    orders = orders_for(here, attempts)

    with caretaker(here, CD), ThreadPoolExecutor(THREADS) as pool:
        outcomes = Counter(pool.map(until_decided, repeat(here), orders))

    assert outcomes == {Outcome.RESERVED: units, Outcome.SOLD_OUT: attempts - units}
    assert len(events_of(cells, "SoldOut")) == 1
    check(cells.state())


def until_so_many_are_decided(orders: Sequence[Future[Outcome]], number: int) -> None:
    while sum(order.done() for order in orders) < number:
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("switches", "units", "attempts"),
    [(6, 60, 100), pytest.param(60, 600, 1000, marks=pytest.mark.soak)],
    ids=["6 times", "60 times"],
)
def test_switching_to_and_fro_under_load_sells_each_unit_once(
    dynamodb_cells: Cells, here: Ports, *, switches: int, units: int, attempts: int
) -> None:
    allot(here, units=units)
    orders = orders_for(here, attempts)

    with caretaker(here, CD), ThreadPoolExecutor(16) as pool:
        sold = [pool.submit(until_decided, here, order) for order in orders]
        for version in range(1, switches + 1):
            set_mode(here, HOT if version % 2 else PLAIN, version)
            until_so_many_are_decided(sold, attempts * version // (switches + 1))
        outcomes = Counter(order.result() for order in sold)

    settle(here)
    assert outcomes == {Outcome.RESERVED: units, Outcome.SOLD_OUT: attempts - units}
    check(dynamodb_cells.state())
    after = allotment_of(here)
    assert (after.selling.is_plain(), after.free, after.selling.generation >= 1) == (True, 0, True)
