"""The tokens that are for sale: counted, refilled, and as many as the stock that comes and goes."""

from __future__ import annotations

import pytest

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.builders import CD, allot, command
from tests.workloads.checkout.cell import MemoryCells, events_of
from tests.workloads.checkout.hot_items.selling import HOT, PLAIN, allotment_of, make_hot, order, pass_time, set_mode
from tests.workloads.checkout.invariants import check
from tests.workloads.checkout.token_pools import MemoryPools, tend_all
from tests.workloads.conftest import HERE, THERE
from workloads.checkout.adapters.token_ledger import DynamoDbTokenLedger
from workloads.checkout.application.carry_out import carry_out
from workloads.checkout.application.deciding import UndecidedError
from workloads.checkout.application.hot_items.counting import count
from workloads.checkout.application.hot_items.refilling import refill
from workloads.checkout.application.hot_items.tending import tend
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.results import Settled
from workloads.checkout.domain.refusal import RefusalKind
from workloads.checkout.domain.step import Outcome
from workloads.contracts.commands import ReceiveTransfer, TransferAllotment


def test_a_token_whose_return_was_never_announced_is_found_by_the_refill(
    cells: MemoryCells, pools: MemoryPools, here: Ports
) -> None:
    make_hot(here, 1)
    first, second = order(here, number=1), order(here, number=2)
    steps.reserve(here, first)

    def die_before_the_announcement(call: str) -> None:
        if call == "put":
            raise SystemExit

    pools.before = die_before_the_announcement
    with pytest.raises(SystemExit):
        steps.release(here, first)
    pools.before = lambda _: None
    check(cells.state())
    pass_time(cells, minutes=2)

    assert refill(here, CD) == 1
    assert steps.reserve(here, second) is Outcome.RESERVED
    check(cells.state())


def test_the_refill_sends_nothing_while_every_number_has_its_message(
    cells: MemoryCells, pools: MemoryPools, here: Ports
) -> None:
    make_hot(here, 20)
    pass_time(cells, minutes=2)
    assert refill(here, CD) == 0

    pools.lose(0.05)
    assert refill(here, CD) == 0
    pools.lose(0.5)
    assert refill(here, CD) == 20


def test_messages_are_sent_again_long_before_they_are_too_old(cells: MemoryCells, here: Ports) -> None:
    make_hot(here, 3)
    pass_time(cells, days=6)
    assert refill(here, CD) == 0

    pass_time(cells, days=2)
    assert refill(here, CD) == 3


def test_stock_that_comes_or_goes_while_hot_becomes_tokens_or_is_taken_out_of_them(
    cells: MemoryCells, pools: MemoryPools, here: Ports
) -> None:
    make_hot(here, 5)

    allot(here, units=8, version=2)
    assert pools.woken[-1] == CD
    tend_all(here, CD)
    assert (allotment_of(here).selling.open, len(pools.tokens())) == (8, 8)
    allot(here, units=6, version=3)
    tend_all(here, CD)

    assert (allotment_of(here).selling.open, allotment_of(here).free) == (6, 0)
    check(cells.state())
    for number in range(6):
        assert steps.reserve(here, order(here, number=number)) is Outcome.RESERVED
    with pytest.raises(UndecidedError):
        steps.reserve(here, order(here, number=9))
    check(cells.state())


def arrive(cells: MemoryCells, here: Ports, units: int) -> None:
    """Send units here from another Region."""
    there = cells.ports(THERE)
    allot(there, units=units)
    sent = TransferAllotment(transfer_id="t-1", sku=CD, units=units, to_region=HERE)
    carry_out(there, sent, command("send-1"))
    carry_out(here, ReceiveTransfer(transfer_id="t-1", sku=CD, units=units, from_region=THERE), command("receive-1"))


def test_units_that_arrive_from_elsewhere_while_it_is_hot_and_sold_out_are_sold_as_tokens(
    cells: MemoryCells, pools: MemoryPools, here: Ports
) -> None:
    make_hot(here, 1)
    assert steps.reserve(here, order(here)) is Outcome.RESERVED
    pass_time(cells, seconds=1)
    tend_all(here, CD)
    assert len(events_of(cells, "SoldOut")) == 1
    pools.woken.clear()

    arrive(cells, here, 2)
    assert pools.woken == [CD]
    tend_all(here, CD)

    assert (allotment_of(here).free, allotment_of(here).selling.open, len(pools.tokens())) == (0, 3, 2)
    assert len(events_of(cells, "BackInStock")) == 1
    assert [steps.reserve(here, order(here, number=number)) for number in (1, 2)] == [Outcome.RESERVED] * 2
    check(cells.state())


def test_units_that_arrive_for_a_plain_sku_wake_nobody(cells: MemoryCells, pools: MemoryPools, here: Ports) -> None:
    allot(here)

    arrive(cells, here, 2)

    assert (pools.woken, allotment_of(here).free) == ([], 12)


def test_units_that_are_tokens_do_not_leave_and_the_refusal_says_what_to_do(cells: MemoryCells, here: Ports) -> None:
    make_hot(here, 5)

    sent = TransferAllotment(transfer_id="t-1", sku=CD, units=1, to_region=THERE)
    carry_out(here, sent, command("send-1", "stock.write"))

    record = here.store.command("send-1")
    assert record is not None
    assert record.refusal is not None
    assert record.refusal.kind is RefusalKind.INSUFFICIENT_STOCK
    assert "sold plainly first" in record.refusal.detail
    check(cells.state())


def test_the_tokens_of_a_sku_are_counted_at_most_every_200_milliseconds_and_no_further_than_plenty(
    cells: MemoryCells, here: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_hot(here, 640)
    counted: list[int] = []
    count = DynamoDbTokenLedger.decided_in

    def noted(self: DynamoDbTokenLedger, sku: str, generation: int, partition: int) -> int:
        counted.append(partition)
        return count(self, sku, generation, partition)

    monkeypatch.setattr(DynamoDbTokenLedger, "decided_in", noted)
    tend_all(here, CD)
    assert counted == []

    pass_time(cells, milliseconds=201)
    tend_all(here, CD)
    tend_all(here, CD)

    # Ten numbers lie under each of the 64 partition keys.
    assert counted == [0, 1, 2, 3, 4]


def test_a_count_that_finds_nothing_new_writes_nothing_but_its_claim(cells: MemoryCells, here: Ports) -> None:
    make_hot(here, 3)
    count(here, allotment_of(here))
    counted = allotment_of(here)
    pass_time(cells, milliseconds=201)

    count(here, counted)

    assert allotment_of(here).selling.revision == counted.selling.revision


def test_the_refill_leaves_to_others_what_is_not_hot_and_what_is_still_being_filled(
    cells: MemoryCells, pools: MemoryPools, here: Ports
) -> None:
    assert refill(here, "unknown") == 0
    allot(here, CD, 1500)
    assert refill(here, CD) == 0
    assert set_mode(here, HOT, 1) == Settled()
    assert refill(here, CD) == 0
    assert tend(here, CD)
    assert tend(here, CD)
    pass_time(cells, minutes=2)
    assert (refill(here, CD), len(pools.tokens())) == (0, 1000)
    tend_all(here, CD)
    assert set_mode(here, PLAIN, 2) == Settled()
    pools.lose()
    pass_time(cells, minutes=2)

    assert (refill(here, CD), pools.tokens()) == (0, [])


def test_the_refill_counts_messages_only_when_their_number_has_settled(
    cells: MemoryCells, pools: MemoryPools, here: Ports
) -> None:
    make_hot(here, 3)
    pools.lose()
    pass_time(cells, seconds=59)
    assert refill(here, CD) == 0

    pass_time(cells, seconds=1)
    assert refill(here, CD) == 3
    assert refill(here, CD) == 0


def test_what_a_cut_takes_is_taken_out_of_the_tokens_piece_by_piece(cells: MemoryCells, here: Ports) -> None:
    make_hot(here, 120)

    allot(here, units=10, version=2)
    tend_all(here, CD)

    assert (allotment_of(here).selling.open, allotment_of(here).free) == (10, 0)
    check(cells.state())
