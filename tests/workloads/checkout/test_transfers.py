"""Transfers of stock between Regions: two steps, each once, and not a unit more or less than there was."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.builders import CD, CUSTOMER, FOREIGNER, allot, command, list_price, place
from tests.workloads.checkout.cell import AnyCells, MemoryCells, events_of
from tests.workloads.checkout.invariants import check
from tests.workloads.checkout.late_commits import Commit, LateCommits, LostAnswerError, arrive
from tests.workloads.conftest import HERE, REGIONS, THERE
from workloads.checkout.application.carry_out import carry_out
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain.command_record import CommandOutcome, CommandRecord
from workloads.checkout.domain.refusal import RefusalKind
from workloads.contracts.commands import ReceiveTransfer, SetAllotment, TransferAllotment
from workloads.contracts.envelope import CloudEvent, open_as

OWNER = "stock.write"


def transfer(
    ports: Ports, units: int = 3, *, to: str = THERE, transfer_id: str = "t-1", asked: str = "ask-1"
) -> CommandRecord:
    """Ask for a transfer as a command does; return what became of it."""
    asked_for = TransferAllotment(transfer_id=transfer_id, sku=CD, units=units, to_region=to)
    carry_out(ports, asked_for, command(asked, OWNER))
    record = ports.store.command(asked)
    assert record is not None
    return record


def instructions(cells: AnyCells) -> list[CloudEvent]:
    """Return the commands that are on their way to the Regions that receive, sent again or not."""
    return [event for event in cells.events() if event.type == ReceiveTransfer.__name__]


def deliver(cells: AnyCells, event: CloudEvent) -> None:
    assert event.destinationregion is not None
    carry_out(cells.ports(event.destinationregion), open_as(event, ReceiveTransfer), command(event.id, OWNER))


def free(cells: AnyCells) -> tuple[int, int]:
    """Return what is free here and there."""
    found = [cells.ports(region).store.allotments([CD], region).get(CD) for region in REGIONS]
    here, there = (allotment.free if allotment else 0 for allotment in found)
    return here, there


def kind_of(record: CommandRecord) -> RefusalKind | None:
    return record.refusal.kind if record.refusal else None


def test_units_leave_the_one_region_and_enter_the_other_one(cells: AnyCells, here: Ports, there: Ports) -> None:
    allot(here, units=10)
    allot(there, units=1)

    assert transfer(here).outcome is CommandOutcome.ACCEPTED
    assert free(cells) == (7, 1)
    check(cells.state())
    [event] = instructions(cells)
    deliver(cells, event)

    assert free(cells) == (7, 4)
    check(cells.state())
    [left], [entered] = events_of(cells, "AllotmentTransferred"), events_of(cells, "TransferReceived")
    assert left == {**entered, "sequence": 1}
    assert (left["units"], left["fromRegion"], left["toRegion"]) == (3, HERE, THERE)


def test_units_enter_a_region_that_was_never_given_any(cells: AnyCells, here: Ports, there: Ports) -> None:
    allot(here, units=3)
    transfer(here)
    [event] = instructions(cells)

    deliver(cells, event)

    assert free(cells) == (0, 3)
    allot(there, units=5)
    assert free(cells) == (0, 8)
    check(cells.state())


def test_the_system_of_record_and_transfers_do_not_undo_each_other(cells: AnyCells, here: Ports) -> None:
    allot(here, units=10)
    transfer(here)

    allot(here, units=12, version=2)

    assert free(cells)[0] == 9
    check(cells.state())


def test_a_transfer_counts_once_however_often_it_is_asked_for(cells: AnyCells, here: Ports) -> None:
    allot(here, units=10)
    for number in range(3):
        assert transfer(here, asked=f"ask-{number}").outcome is CommandOutcome.ACCEPTED

    assert free(cells)[0] == 7
    assert len({event.id for event in instructions(cells)}) == 1
    for event in instructions(cells):
        deliver(cells, event)
    assert free(cells) == (7, 3)
    check(cells.state())


def test_a_transfer_is_sent_again_only_while_no_receipt_has_come(cells: AnyCells, here: Ports) -> None:
    allot(here, units=10)
    transfer(here, asked="ask-1")
    transfer(here, asked="ask-1")
    assert len(instructions(cells)) == 1
    transfer(here, asked="ask-2")
    assert len(instructions(cells)) == 2
    deliver(cells, instructions(cells)[0])

    transfer(here, asked="ask-3")

    assert len(instructions(cells)) == 2


def test_units_enter_once_whoever_tells_of_them(cells: AnyCells, here: Ports, there: Ports) -> None:
    allot(here, units=10)
    transfer(here)
    [event] = instructions(cells)
    deliver(cells, event)

    carry_out(there, open_as(event, ReceiveTransfer), command("by hand", OWNER))

    assert free(cells) == (7, 3)
    record = there.store.command("by hand")
    assert record is not None
    assert record.outcome is CommandOutcome.ACCEPTED


def test_one_id_stands_for_one_transfer(cells: AnyCells, here: Ports) -> None:
    allot(here, units=10)
    transfer(here, 3)

    assert kind_of(transfer(here, 4, asked="ask-2")) is RefusalKind.KEY_REUSED

    assert free(cells)[0] == 7


def test_the_same_id_in_two_regions_is_two_transfers(cells: AnyCells, here: Ports, there: Ports) -> None:
    allot(here, units=10)
    allot(there, units=10)
    transfer(here, 3, asked="ask-1")
    transfer(there, 5, to=HERE, asked="ask-2")

    for event in instructions(cells):
        deliver(cells, event)

    assert free(cells) == (12, 8)
    check(cells.state())


@pytest.mark.parametrize("units", [8, 11])
def test_only_what_is_free_is_transferred(cells: AnyCells, here: Ports, units: int) -> None:
    list_price(here)
    allot(here, units=10)
    steps.reserve(here, place(here, (CD, 3)))

    record = transfer(here, units)

    assert kind_of(record) is RefusalKind.INSUFFICIENT_STOCK
    assert "7 are free" in (record.refusal.detail if record.refusal else "")
    assert free(cells)[0] == 7
    assert instructions(cells) == []


@pytest.mark.parametrize("to", [HERE, "ap-northeast-1"])
def test_a_transfer_goes_to_another_region_of_the_system(cells: AnyCells, here: Ports, to: str) -> None:
    allot(here, units=10)

    assert kind_of(transfer(here, to=to)) is RefusalKind.UNKNOWN_REGION

    assert free(cells)[0] == 10


def test_sending_the_last_units_is_told_and_so_is_their_arrival(cells: AnyCells, here: Ports, there: Ports) -> None:
    allot(here, units=3)
    allot(there, units=0)
    transfer(here)
    deliver(cells, instructions(cells)[0])

    assert {event["region"]: event["sequence"] for event in events_of(cells, "SoldOut")} == {HERE: 1, THERE: 1}
    assert [event["region"] for event in events_of(cells, "BackInStock")] == [THERE]


def test_a_sale_that_takes_the_units_first_is_seen() -> None:
    cells = MemoryCells()
    here = cells.ports()
    list_price(here)
    allot(here, units=3)
    order = place(here, (CD, 1))

    def sell_first() -> None:
        cells.before_commit = lambda: None
        steps.reserve(here, order)

    cells.before_commit = sell_first

    assert kind_of(transfer(here)) is RefusalKind.INSUFFICIENT_STOCK
    assert free(cells)[0] == 2


class Histories(RuleBasedStateMachine):
    """Two Regions between which units go to and fro while they are sold, given back and set; nobody's answer is sure.

    A command may come again at any time, with its answer lost before or after the commit, or its commit arriving late.
    """

    FATES: ClassVar = st.sampled_from(["answered", "answered", "lost before", "lost after", "late"])
    REGION: ClassVar = st.sampled_from(REGIONS)

    def __init__(self) -> None:
        super().__init__()
        self.cells = MemoryCells()
        self.late: list[Commit] = []
        self.versions: dict[str, int] = dict.fromkeys(REGIONS, 0)
        self.orders: dict[str, list[str]] = {region: [] for region in REGIONS}
        list_price(self.cells.ports())
        for region in REGIONS:
            self.give(region, units=2, fate="answered")

    @rule(region=REGION, units=st.integers(0, 24), fate=FATES)
    def give(self, region: str, units: int, fate: str) -> None:
        self.versions[region] += 1
        version = self.versions[region]
        asked = SetAllotment(sku=CD, units=units, version=version)
        with self._disturbed(region, fate) as ports:
            carry_out(ports, asked, command(f"give-{region}-{version}", OWNER))

    @rule(region=REGION, number=st.integers(1, 3), asked=st.integers(1, 2), fate=FATES)
    def transfer(self, region: str, number: int, asked: int, fate: str) -> None:
        to = THERE if region == HERE else HERE
        asked_for = TransferAllotment(transfer_id=f"t-{number}", sku=CD, units=number, to_region=to)
        with self._disturbed(region, fate) as ports:
            carry_out(ports, asked_for, command(f"ask-{region}-{number}-{asked}", OWNER))

    @rule(fate=FATES, data=st.data())
    def deliver(self, fate: str, data: st.DataObject) -> None:
        """Let an instruction arrive, for the first time or again, in any order."""
        if not (sent := instructions(self.cells)):
            return
        event = data.draw(st.sampled_from(sorted(sent, key=lambda event: (event.id, event.time or ""))))
        assert event.destinationregion is not None
        with self._disturbed(event.destinationregion, fate) as ports:
            carry_out(ports, open_as(event, ReceiveTransfer), command(event.id, OWNER))

    @rule(region=REGION, units=st.integers(1, 3), fate=FATES)
    def reserve(self, region: str, units: int, fate: str) -> None:
        ports = self.cells.ports(region)
        customer = CUSTOMER if region == HERE else FOREIGNER
        order = place(ports, (CD, units), customer=customer, key=f"key-{len(self.orders[region])}")
        self.orders[region].append(order)
        with self._disturbed(region, fate) as disturbed:
            steps.reserve(disturbed, order)

    @rule(region=REGION, fate=FATES, data=st.data())
    def release(self, region: str, fate: str, data: st.DataObject) -> None:
        if not self.orders[region]:
            return
        order = data.draw(st.sampled_from(self.orders[region]))
        with self._disturbed(region, fate) as ports:
            steps.release(ports, order)

    @rule()
    def arrive(self) -> None:
        arrive(self.late)
        self.late.clear()

    @invariant()
    def units_are_conserved_and_levels_are_told(self) -> None:
        state = self.cells.state()
        check(state)
        for region in REGIONS:
            told = [
                entry.event.type
                for (aggregate, _), entry in sorted(state.outbox.items())
                if aggregate == f"ALLOTMENT#{CD}#{region}" and entry.event.type in {"SoldOut", "BackInStock"}
            ]
            assert told == ["SoldOut", "BackInStock"] * (len(told) // 2) + ["SoldOut"] * (len(told) % 2)

    def teardown(self) -> None:
        """When all has arrived, nothing is in flight."""
        arrive(self.late)
        for event in instructions(self.cells):
            deliver(self.cells, event)
        state = self.cells.state()
        check(state)
        assert state.transfers.keys() == state.receipts.keys()
        assert sum(allotment.transferred for allotment in state.allotments.values()) == 0

    @contextmanager
    def _disturbed(self, region: str, fate: str) -> Generator[Ports]:
        late = LateCommits(self.cells, region)
        if fate == "lost before":
            self.cells.before_commit = _lose
        if fate == "lost after":
            self.cells.after_commit = _lose
        try:
            with suppress(LostAnswerError):
                yield late.ports if fate == "late" else self.cells.ports(region)
        finally:
            self.cells.before_commit = self.cells.after_commit = lambda: None
            self.late += late.kept


def _lose() -> None:
    raise LostAnswerError


TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=50,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
