"""Many at once, on the embedded AWS: what is scarce is never sold or spent twice."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import pytest

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.builders import CD, CUSTOMER, allot, deposit, deposit_of, list_price, order_of, place, usd
from tests.workloads.checkout.builders import request as a_request
from tests.workloads.checkout.cell import Cells
from tests.workloads.checkout.invariants import check
from tests.workloads.conftest import HERE
from workloads.checkout.application.deposit import deposit_to_wallet
from workloads.checkout.application.place_order import place_order
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.results import Placed
from workloads.checkout.domain.step import Outcome

WORKERS = 8


@pytest.fixture
def here(dynamodb_cells: Cells) -> Ports:
    return dynamodb_cells.ports(HERE)


def test_the_last_money_is_spent_once(dynamodb_cells: Cells, here: Ports) -> None:
    list_price(here, price=usd(1000))
    allot(here, units=100)
    deposit(here, 3_500)
    orders = [place(here, (CD, 1), key=f"key-{number}") for number in range(8)]
    for order in orders:
        steps.reserve(here, order)

    with ThreadPoolExecutor(WORKERS) as pool:
        outcomes = Counter(pool.map(steps.debit, repeat(here), orders))

    assert outcomes == {Outcome.DEBITED: 3, Outcome.INSUFFICIENT_FUNDS: 5}
    check(dynamodb_cells.state())


def test_one_key_sent_many_times_at_once_is_one_order_and_one_deposit(dynamodb_cells: Cells, here: Ports) -> None:
    list_price(here)

    def ask(number: int) -> object:
        if number % 2:
            return deposit_to_wallet(here, deposit_of(usd(700)), a_request(f"request-{number}"))
        return place_order(here, order_of(), a_request(f"request-{number}"))

    with ThreadPoolExecutor(WORKERS) as pool:
        results = list(pool.map(ask, range(16)))

    assert len({result.order.id for result in results if isinstance(result, Placed)}) == 1
    state = dynamodb_cells.state()
    check(state)
    assert (len(state.orders), len(state.deposits), len(state.outbox)) == (1, 1, 2)
    assert state.wallets[CUSTOMER].balance == usd(700)


def test_completion_and_the_way_back_at_once_leave_one_of_the_two(dynamodb_cells: Cells, here: Ports) -> None:
    list_price(here, price=usd(1000))
    allot(here, units=100)
    deposit(here, 100_00)
    orders = [place(here, (CD, 1), key=f"key-{number}") for number in range(8)]
    for order in orders:
        steps.reserve(here, order)
        steps.debit(here, order)

    with ThreadPoolExecutor(WORKERS) as pool:
        pairs = [(pool.submit(steps.complete, here, order), pool.submit(steps.refund, here, order)) for order in orders]
        outcomes = {(complete.result(), refund.result()) for complete, refund in pairs}

    assert outcomes <= {(Outcome.COMPLETED, Outcome.COMPLETED), (Outcome.REFUNDED, Outcome.REFUNDED)}
    check(dynamodb_cells.state())
