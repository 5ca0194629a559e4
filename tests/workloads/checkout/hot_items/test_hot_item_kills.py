"""SIGKILL of workers at random moments under load: no unit of a hot SKU is lost, none is sold twice."""

from __future__ import annotations

import multiprocessing
import random
import time
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess

import pytest

from tests.workloads.checkout.builders import CD, CUSTOMER, allot, list_price, place, request, usd
from tests.workloads.checkout.cell import Cells
from tests.workloads.checkout.hot_items.hot_cell import HIDDEN_SECONDS, HotCell, caretaker, hot_cell, tend_now
from tests.workloads.checkout.hot_items.hot_worker import work
from tests.workloads.checkout.invariants import check
from workloads.checkout.application.set_selling_mode import set_selling_mode
from workloads.checkout.domain.order import OrderState
from workloads.contracts.commands import RequestedSellingMode, SetSellingMode

WORKERS = 4


@pytest.fixture(scope="module")
def forks() -> ForkServerContext:
    """Return a way to start workers in a few milliseconds: from a server that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.workloads.checkout.hot_items.hot_worker"])
    return context


@pytest.fixture
def cell(dynamodb_cells: Cells) -> HotCell:
    return hot_cell(dynamodb_cells)


@pytest.mark.parametrize(
    ("kills", "units", "seed"),
    [(12, 12, 4), *(pytest.param(60, 100, seed, marks=pytest.mark.soak) for seed in (5, 6, 7))],
    ids=str,
)
def test_workers_that_are_killed_lose_and_double_nothing(
    dynamodb_cells: Cells, cell: HotCell, forks: ForkServerContext, *, kills: int, units: int, seed: int
) -> None:
    here = cell.ports(dynamodb_cells.emulator)
    list_price(here, price=usd(0))
    allot(here, units=units)
    hot = SetSellingMode(sku=CD, mode=RequestedSellingMode.HOT, version=1)
    set_selling_mode(here, hot, request("hot"))
    while tend_now(here, CD):
        pass
    # More than there are: the SKU sells out, and what is given up is sold again.
    orders = [place(here, (CD, 1 + n % 2), customer=f"{CUSTOMER}-{n}") for n in range(units)]
    rng = random.Random(seed)  # noqa: S311 - a test repeats itself

    def start(number: int) -> BaseProcess:
        process = forks.Process(target=work, args=(cell, orders, 1000 * seed + number), daemon=True)
        process.start()
        return process

    with caretaker(here, CD):
        workers = [start(number) for number in range(WORKERS)]
        killed = 0
        while killed < kills:
            time.sleep(rng.uniform(0.02, 0.2))
            at = rng.randrange(WORKERS)
            # One that has nothing more to do is killed for nothing: it does not count.
            killed += workers[at].is_alive()
            workers[at].kill()
            workers[at].join()
            workers[at] = start(100 + killed)
        for worker in workers:
            worker.join(100)
    assert [worker.exitcode for worker in workers] == [0] * WORKERS

    time.sleep(HIDDEN_SECONDS)
    plain = SetSellingMode(sku=CD, mode=RequestedSellingMode.PLAIN, version=2)
    set_selling_mode(here, plain, request("plain"))
    while tend_now(here, CD):
        pass
    state = dynamodb_cells.state()
    check(state)
    assert {order.state for order in state.orders.values()} <= {OrderState.COMPLETED, OrderState.REJECTED}
    sold = sum(sum(held.all_units().values()) for held in state.reservations.values() if held.state == "Consumed")
    allotment = state.allotments[CD, here.region]
    assert (allotment.selling.is_plain(), allotment.free + sold) == (True, units)
