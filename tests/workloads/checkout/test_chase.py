"""What was sent and lost is sent again by the auditor: no order waits for ever for its saga, no unit on its way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.auditing import book_keeping
from tests.workloads.checkout.builders import CD, CUSTOMER, allot, place, shop
from tests.workloads.checkout.cell import AnyCells, MemoryCells
from tests.workloads.checkout.invariants import check
from tests.workloads.checkout.test_transfers import deliver, free, instructions, transfer
from tests.workloads.conftest import HERE, THERE
from workloads.checkout.application.audit import LONGEST_TRANSFER, PATIENCE, Report, audit
from workloads.checkout.application.chase import Chased, chase
from workloads.checkout.domain.audit import FindingKind

NOTHING = Chased(orders=(), transfers=())


@pytest.fixture
def cells() -> AnyCells:
    return MemoryCells()


class Starts:
    """The queue of saga starts."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def __call__(self, orders: object) -> None:
        assert isinstance(orders, tuple)
        self.asked += orders


def audit_and_chase(cells: AnyCells, starts: Starts, region: str = HERE) -> tuple[Report, Chased]:
    report = audit(cells.ports(region), book_keeping(cells, region))
    return report, chase(cells.ports(region), starts, report)


def test_the_saga_of_an_order_that_waits_is_asked_for_again_and_no_other(cells: AnyCells) -> None:
    here, starts = cells.ports(), Starts()
    shop(here)
    lost, done = place(here, key="lost"), place(here, key="done")
    for step in (steps.reserve, steps.debit, steps.complete):
        step(here, done)
    assert audit_and_chase(cells, starts)[1] == NOTHING

    cells.clock.moment += PATIENCE
    place(here, key="new")
    _, chased = audit_and_chase(cells, starts)

    assert chased == Chased(orders=(lost,), transfers=())
    assert starts.asked == [(lost, CUSTOMER)]


def test_another_regions_orders_and_transfers_are_left_to_it(cells: AnyCells) -> None:
    shop(cells.ports())
    place(cells.ports())
    transfer(cells.ports())
    cells.clock.moment += PATIENCE

    assert audit_and_chase(cells, Starts(), THERE)[1] == NOTHING


def test_units_whose_instruction_was_lost_arrive_once_after_it_was_sent_again(cells: AnyCells) -> None:
    allot(cells.ports(), units=10)
    transfer(cells.ports())
    assert audit_and_chase(cells, Starts())[1] == NOTHING
    cells.clock.moment += PATIENCE

    chased = [audit_and_chase(cells, Starts())[1].transfers for _ in range(2)]

    assert chased == [("t-1",), ("t-1",)]
    check(cells.state())
    first, *again = instructions(cells)
    assert {event.id for event in again} == {first.id}
    for event in again:
        deliver(cells, event)
    assert free(cells) == (7, 3)
    cells.clock.moment += LONGEST_TRANSFER
    report, chased_then = audit_and_chase(cells, Starts())
    assert (report.findings, report.waiting_transfers, chased_then) == ((), (), NOTHING)
    check(cells.state())


def test_units_on_their_way_for_too_long_are_found_and_none_is_missing(cells: AnyCells) -> None:
    allot(cells.ports(), units=10)
    transfer(cells.ports())
    audit_and_chase(cells, Starts())
    cells.clock.moment += LONGEST_TRANSFER - timedelta(minutes=1)
    assert audit_and_chase(cells, Starts())[0].findings == ()
    cells.clock.moment += timedelta(minutes=1)

    [finding] = audit_and_chase(cells, Starts())[0].findings

    assert (finding.kind, finding.subject) == (FindingKind.OVERDUE_TRANSFER, "t-1")
    assert f"3 units of {CD} left for {THERE}" in finding.detail
