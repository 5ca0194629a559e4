"""What the public sample of this system gets wrong, each as a test of this one: it does what is asked, and holds.

The sample (aws-samples/implementing-distributed-design-patterns) reads stock and wallet and writes them without a
condition, compensates only where a step answers `false`, and gives each award a random id.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.builders import CD, CUSTOMER, allot, deposit, place, shop
from tests.workloads.checkout.cell import MemoryCells, events_of
from tests.workloads.checkout.invariants import check
from tests.workloads.conftest import HERE
from tests.workloads.loyalty.builders import Clock, purchase
from tests.workloads.loyalty.memory import MemoryStreams
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain.order import OrderStatus
from workloads.checkout.domain.step import Outcome, Step
from workloads.checkout.entrypoints.saga_messages import SagaStart
from workloads.checkout.entrypoints.saga_starter import begin
from workloads.checkout.entrypoints.saga_steps import StepRequest, carry_out
from workloads.loyalty.application.award_points import award_points
from workloads.loyalty.domain.rules import RULES

Meanwhile = Callable[[], object]


@pytest.fixture
def cells() -> MemoryCells:
    return MemoryCells()


@pytest.fixture
def here(cells: MemoryCells) -> Ports:
    return cells.ports()


def between_read_and_write(cells: MemoryCells, meanwhile: Meanwhile) -> None:
    """Let something happen after the next decision has read, and before it writes."""

    def once() -> None:
        cells.before_commit = lambda: None
        meanwhile()

    cells.before_commit = once


# Oversells: two orders read that one unit is there, and both take it.


def test_the_public_sample_oversells_and_this_one_sells_the_last_unit_once(cells: MemoryCells, here: Ports) -> None:
    shop(here, stock=1)
    first, second = place(here, (CD, 1), key="one"), place(here, (CD, 1), key="two")
    between_read_and_write(cells, lambda: steps.reserve(here, second))

    assert steps.reserve(here, first) is Outcome.SOLD_OUT

    state = cells.state()
    assert (state.allotments[CD, HERE].free, state.reservations[second].units) == (0, {CD: 1})
    check(state)


# Loses updates: whoever writes last overwrites what somebody else has written since the read.


def test_the_public_sample_loses_updates_and_this_one_keeps_every_write_of_a_wallet(
    cells: MemoryCells, here: Ports
) -> None:
    shop(here, price=10_00, balance=50_00)
    first, second = place(here, (CD, 1), key="one"), place(here, (CD, 1), key="two")
    for order in (first, second):
        steps.reserve(here, order)

    def others() -> None:
        deposit(here, 7_00, key="meanwhile")
        steps.debit(here, second)

    between_read_and_write(cells, others)

    assert steps.debit(here, first) is Outcome.DEBITED

    assert cells.state().wallets[CUSTOMER].balance.minor_units == 50_00 + 7_00 - 2 * 10_00
    check(cells.state())


def test_the_public_sample_loses_updates_and_this_one_keeps_every_write_of_the_stock(
    cells: MemoryCells, here: Ports
) -> None:
    shop(here, stock=10)
    first, second = place(here, (CD, 2), key="one"), place(here, (CD, 3), key="two")

    def others() -> None:
        steps.reserve(here, second)
        allot(here, units=20, version=2)

    between_read_and_write(cells, others)

    assert steps.reserve(here, first) is Outcome.RESERVED

    assert cells.state().allotments[CD, HERE].free == 20 - 3 - 2
    check(cells.state())


# Skips compensation on exceptions: a step that raises, or whose answer is lost, ends the saga where it stands.


@pytest.mark.parametrize("done", [False, True], ids=["before its effect", "after its effect"])
@pytest.mark.parametrize("raising", [Step.RESERVE, Step.DEBIT, Step.COMPLETE])
def test_the_public_sample_skips_compensation_on_exceptions_and_this_one_goes_all_the_way_back(
    cells: MemoryCells, here: Ports, raising: Step, *, done: bool
) -> None:
    shop(here, stock=3, price=10_00, balance=50_00)
    order = place(here, (CD, 2))
    if raising is not Step.RESERVE:
        begin(here, Ignored(), SagaStart(order_id=order, customer_id=CUSTOMER))

    def with_exceptions(request: StepRequest) -> Outcome:
        if request.step is raising and not done:
            raise ConnectionError
        outcome = carry_out(here, request)
        if request.step is raising:
            raise TimeoutError
        return outcome

    end = steps.run(here, order, with_exceptions)

    state = cells.state()
    check(state)
    assert end == "Reject"
    if raising is Step.COMPLETE and done:
        # It was a purchase already, and only nobody was told: the way back leaves it as it is.
        assert state.orders[order].status is OrderStatus.COMPLETED
        return
    assert state.orders[order].status is OrderStatus.REJECTED
    assert [event["reason"] for event in events_of(cells, "PurchaseRejected")] == ["TechnicalFailure"]
    assert state.allotments[CD, HERE].free == 3
    assert state.wallets[CUSTOMER].balance.minor_units == 50_00


# Awards twice: a purchase that is told again gets other ids, and so other points.


def test_the_public_sample_awards_twice_and_this_one_awards_each_purchase_once() -> None:
    streams = MemoryStreams()
    told = purchase(2933, order="o-1")
    replayed = msgspec.structs.replace(told, id="e-another", time="2026-01-03T00:00:00.000000Z")

    def award(event: Any) -> int:
        return len(award_points(event, region=HERE, rules=RULES, streams=streams, clock=Clock(), pause=lambda _: None))

    assert [award(event) for event in (told, told, replayed)] == [1, 0, 0]

    [entry] = streams.entries.values()
    assert entry.change.purchase_id == "o-1"


def test_the_public_sample_awards_twice_and_this_one_awards_once_to_two_workers_at_a_time() -> None:
    streams = MemoryStreams()

    def award() -> None:
        told = purchase(2933, order="o-1")
        award_points(told, region=HERE, rules=RULES, streams=streams, clock=Clock(), pause=lambda _: None)

    def once() -> None:
        streams.before_append = lambda: None
        award()

    streams.before_append = once

    award()

    assert len(streams.entries) == 1


class Ignored:
    """Sagas that a test runs by itself."""

    def start(self, order_id: str, customer_id: str, *, redrive: int = 0) -> None:
        """Start nothing."""
