"""Projecting: every Region arrives at the same balance, and the home Region tells it at least once."""

from __future__ import annotations

import pytest

from tests.workloads.conftest import HERE, REGIONS, THERE
from tests.workloads.loyalty.builders import CUSTOMER, entry
from tests.workloads.loyalty.memory import Bus, MemoryBalances, MemoryStreams
from workloads.contracts.envelope import open_as
from workloads.contracts.events import BalanceChanged
from workloads.loyalty.application.ports import StoredBalance
from workloads.loyalty.application.project_balance import project_balance, rebuild_balance
from workloads.loyalty.application.retrying import ATTEMPTS, ContentionError
from workloads.loyalty.domain.accounts import Balance, fold


class Cell:
    """A Region with its replica, its projection and its bus."""

    def __init__(self, region: str = HERE) -> None:
        self.region = region
        self.streams = MemoryStreams()
        self.balances = MemoryBalances()
        self.bus = Bus()

    def project(self) -> Balance:
        return project_balance(
            CUSTOMER,
            region=self.region,
            regions=REGIONS,
            streams=self.streams,
            balances=self.balances,
            publisher=self.bus,
            pause=lambda _: None,
        )

    def rebuild(self) -> Balance:
        return rebuild_balance(
            CUSTOMER,
            region=self.region,
            regions=REGIONS,
            streams=self.streams,
            balances=self.balances,
            publisher=self.bus,
            pause=lambda _: None,
        )

    def told(self) -> list[BalanceChanged]:
        return [open_as(event, BalanceChanged) for event in self.bus.published]


FIRST = entry(10, order="o-1")
SECOND = entry(20, order="o-2", head=FIRST)
FROM_THERE = entry(5, order="o-3", region=THERE)


def test_the_home_region_tells_the_new_balance() -> None:
    cell = Cell(HERE)
    for one in (FIRST, SECOND, FROM_THERE):
        cell.streams.receive(one)

    balance = cell.project()

    assert balance.points == 35
    assert cell.told() == [BalanceChanged(customer_id=CUSTOMER, points=35, sequence=3)]


def test_another_region_keeps_the_balance_and_tells_nothing() -> None:
    cell = Cell(THERE)
    cell.streams.receive(FIRST)

    assert cell.project().points == 10
    assert cell.told() == []


def test_a_hint_without_anything_new_changes_and_tells_nothing() -> None:
    cell = Cell()
    cell.streams.receive(FIRST)
    cell.project()
    before = dict(cell.balances.stored)

    cell.project()

    assert cell.balances.stored == before
    assert len(cell.told()) == 1


def test_a_hint_for_a_customer_without_events_stores_nothing() -> None:
    cell = Cell()

    assert cell.project().points == 0
    assert cell.balances.stored == {}
    assert cell.told() == []


def test_an_event_that_replication_brought_too_early_waits_for_the_one_before_it() -> None:
    cell = Cell()
    cell.streams.receive(SECOND)

    assert cell.project().points == 0

    cell.streams.receive(FIRST)
    assert cell.project().points == 30


@pytest.mark.parametrize("moment", ["before", "after"])
def test_stopped_between_storing_and_marking_the_balance_is_told_again_as_the_same_event(moment: str) -> None:
    cell = Cell()
    cell.streams.receive(FIRST)
    cell.bus.fail = moment
    with pytest.raises(Bus.DownError):
        cell.project()

    cell.project()

    assert cell.balances.load(CUSTOMER).published_version == 1
    assert {event.id for event in cell.bus.published} == {cell.bus.published[0].id}
    assert len(set(cell.told())) == 1


def test_two_projectors_at_once_count_every_event_once() -> None:
    cell = Cell()
    cell.streams.receive(FIRST)
    faster = [StoredBalance(balance=fold(Balance(customer_id=CUSTOMER), [FIRST]))]

    def overtake() -> None:
        cell.streams.receive(SECOND)
        if faster:
            cell.balances.stored[CUSTOMER] = faster.pop()

    cell.balances.before_save = overtake

    assert cell.project().points == 30


def test_endless_contention_ends_in_an_error_that_says_so() -> None:
    cell = Cell()
    cell.streams.receive(FIRST)
    tries: list[int] = []

    def overtake() -> None:
        tries.append(len(tries) + 1)
        ahead = Balance(customer_id=CUSTOMER, positions={"ap-northeast-1": len(tries)})
        cell.balances.stored[CUSTOMER] = StoredBalance(balance=ahead)

    cell.balances.before_save = overtake

    with pytest.raises(ContentionError, match="balance of us-east-1"):
        cell.project()
    assert len(tries) == ATTEMPTS


def test_a_rebuilt_balance_equals_the_live_one() -> None:
    cell = Cell()
    for one in (FIRST, FROM_THERE, SECOND):
        cell.streams.receive(one)
        live = cell.project()

    assert cell.rebuild() == live
    assert cell.told()[-1] == BalanceChanged(customer_id=CUSTOMER, points=35, sequence=3)


def test_a_rebuild_repairs_a_balance_that_was_tampered_with() -> None:
    cell = Cell()
    cell.streams.receive(FIRST)
    cell.balances.stored[CUSTOMER] = StoredBalance(
        balance=Balance(customer_id=CUSTOMER, points=999, positions={HERE: 1})
    )

    assert cell.rebuild().points == 10
