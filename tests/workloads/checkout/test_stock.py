"""Stock on the embedded AWS: many at once, both releases at once, and what is told of it."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import Any

import pytest

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.builders import CD, CUSTOMER, allot, list_price, place, usd
from tests.workloads.checkout.cell import Cells, events_of
from tests.workloads.checkout.invariants import check
from tests.workloads.conftest import HERE
from workloads.checkout.application.deciding import UndecidedError
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain.step import Outcome

THREADS = 64
ATTEMPTS = 500
UNITS = 50


@pytest.fixture
def here(dynamodb_cells: Cells) -> Ports:
    return dynamodb_cells.ports(HERE)


def until_decided(ports: Ports, step: Any, order_id: str) -> Outcome:
    """Ask again as the state machine does."""
    while True:
        try:
            return step(ports, order_id)
        except UndecidedError:
            continue


def test_of_500_attempts_of_64_threads_on_50_units_exactly_50_succeed_and_sold_out_is_told_once(
    dynamodb_cells: Cells, here: Ports
) -> None:
    list_price(here, price=usd(100))
    allot(here, units=UNITS)

    def an_order(number: int) -> str:
        return place(here, (CD, 1), customer=f"{CUSTOMER}-{number}")

    with ThreadPoolExecutor(THREADS) as pool:
        orders = list(pool.map(an_order, range(ATTEMPTS)))
        outcomes = Counter(pool.map(until_decided, repeat(here), repeat(steps.reserve), orders))

    assert outcomes == {Outcome.RESERVED: UNITS, Outcome.SOLD_OUT: ATTEMPTS - UNITS}
    assert events_of(dynamodb_cells, "SoldOut") == [{"sku": CD, "region": HERE, "sequence": 2}]
    assert events_of(dynamodb_cells, "StockRanLow") == [{"sku": CD, "region": HERE, "sequence": 1}]
    check(dynamodb_cells.state())


def test_units_that_come_and_go_at_once_leave_the_level_told_that_is(dynamodb_cells: Cells, here: Ports) -> None:
    list_price(here, price=usd(100))
    allot(here, units=4)
    held = [place(here, (CD, 1), customer=f"{CUSTOMER}-h{n}") for n in range(4)]
    for order in held:
        steps.reserve(here, order)
    waiting = [place(here, (CD, 1), customer=f"{CUSTOMER}-w{n}") for n in range(8)]

    with ThreadPoolExecutor(12) as pool:
        released = [pool.submit(until_decided, here, steps.release, order) for order in held]
        reserved = [pool.submit(until_decided, here, steps.reserve, order) for order in waiting]
        assert {future.result() for future in released} == {Outcome.RELEASED}
        outcomes = Counter(future.result() for future in reserved)

    assert outcomes[Outcome.RESERVED] <= 4
    check(dynamodb_cells.state())
    told = len(events_of(dynamodb_cells, "SoldOut")), len(events_of(dynamodb_cells, "BackInStock"))
    assert told[0] - told[1] == (1 if here.store.allotments([CD], HERE)[CD].free == 0 else 0)


def test_a_refused_order_tells_what_the_first_release_left_untold(dynamodb_cells: Cells, here: Ports) -> None:
    list_price(here)
    allot(here, units=2)
    as_the_first_release(dynamodb_cells, move=-2)
    order = place(here)

    assert steps.reserve(here, order) is Outcome.SOLD_OUT

    assert events_of(dynamodb_cells, "SoldOut") == [{"sku": CD, "region": HERE, "sequence": 1}]


def test_a_sale_tells_what_the_first_release_brought_back_untold(dynamodb_cells: Cells, here: Ports) -> None:
    list_price(here)
    allot(here, units=1)
    first, second = place(here, key="first"), place(here, key="second")
    steps.reserve(here, first)
    as_the_first_release(dynamodb_cells, move=2)

    assert steps.reserve(here, second) is Outcome.RESERVED

    assert [event["sequence"] for event in events_of(dynamodb_cells, "BackInStock")] == [2]


def test_an_allotment_of_the_first_release_is_sold_on(dynamodb_cells: Cells, here: Ports) -> None:
    list_price(here)
    item: dict[str, Any] = {"sku": CD, "region": HERE, "allotted": 1, "free": 1, "version": 1, "origin_region": HERE}
    dynamodb_cells.put({"pk": f"ALLOTMENT#{CD}#{HERE}", "sk": "ALLOTMENT", **item})
    order = place(here)

    assert steps.reserve(here, order) is Outcome.RESERVED

    assert events_of(dynamodb_cells, "SoldOut") == [{"sku": CD, "region": HERE, "sequence": 1}]
    check(dynamodb_cells.state())


def as_the_first_release(cells: Cells, *, move: int) -> None:
    """Move units as the first release does: it adds to `free` and knows of no level."""
    cells.emulator.dynamodb().update_item(
        TableName=cells.table,
        Key={"pk": {"S": f"ALLOTMENT#{CD}#{HERE}"}, "sk": {"S": "ALLOTMENT"}},
        UpdateExpression="SET origin_region = :here ADD #free :units",
        ConditionExpression="attribute_exists(pk)",
        ExpressionAttributeNames={"#free": "free"},
        ExpressionAttributeValues={":here": {"S": HERE}, ":units": {"N": str(move)}},
    )
