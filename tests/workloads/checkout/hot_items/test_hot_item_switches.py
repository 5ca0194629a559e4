"""From plain to hot and back to the plain counter, without losing a unit."""

from __future__ import annotations

import pytest

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.builders import BOOK, CD, allot, command, list_price, usd
from tests.workloads.checkout.cell import MemoryCells
from tests.workloads.checkout.hot_items.selling import HOT, PLAIN, allotment_of, make_hot, make_plain, order, set_mode
from tests.workloads.checkout.invariants import check
from tests.workloads.checkout.token_pools import MemoryPools, tend_all, with_pools
from tests.workloads.conftest import HERE
from workloads.checkout.application.deciding import UndecidedError
from workloads.checkout.application.follow_stock import follow_level
from workloads.checkout.application.hot_items.draining import MiscountedTokensError
from workloads.checkout.application.hot_items.tending import tend
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.results import Settled
from workloads.checkout.application.selling import set_selling
from workloads.checkout.application.set_selling_mode import set_selling_mode
from workloads.checkout.domain.allotment import Allotment
from workloads.checkout.domain.command_record import CommandOutcome, CommandRecord
from workloads.checkout.domain.listing import Listing
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.checkout.domain.selling import SellingMode
from workloads.checkout.domain.step import Outcome
from workloads.contracts.commands import RequestedSellingMode, SetSellingMode, StopSelling
from workloads.contracts.events import SoldOut


def test_the_mode_the_flag_and_the_sale_of_a_listing_do_not_disturb_each_other(here: Ports) -> None:
    make_hot(here, 1)
    follow_level(here, SoldOut(sku=CD, region=HERE, sequence=1), _Nobody())
    set_selling(here, StopSelling(sku=CD, version=7), command("stop", "catalogue.write"))
    make_plain(here)

    [listing] = here.store.listings(CD)
    assert listing == Listing(sku=CD, region=HERE, sold_out=True, level_sequence=1, stopped=True, version=7)
    set_mode(here, HOT, 3)
    [listing] = here.store.listings(CD)
    assert (listing.by_tokens, listing.sold_out, listing.stopped) == (True, True, True)


class _Nobody:
    """Is told nothing."""

    def idle_beside_low(self, idle: Allotment) -> None:
        raise AssertionError(idle)


def test_back_to_plain_every_unit_is_free_held_or_sold_as_before(
    cells: MemoryCells, pools: MemoryPools, here: Ports
) -> None:
    make_hot(here, 150)
    held = [order(here, (CD, 2), number=number) for number in range(3)]
    for order_id in held:
        assert steps.reserve(here, order_id) is Outcome.RESERVED

    make_plain(here)

    after = allotment_of(here)
    assert (after.selling.mode, after.free, after.selling.open, pools.tokens()) == (SellingMode.PLAIN, 144, 0, [])
    check(cells.state())
    assert steps.release(here, held[0]) is Outcome.RELEASED
    assert allotment_of(here).free == 146
    assert steps.reserve(here, order(here, number=9)) is Outcome.RESERVED
    check(cells.state())


def test_a_message_of_an_earlier_generation_takes_nothing(cells: MemoryCells, pools: MemoryPools, here: Ports) -> None:
    make_hot(here, 3)
    old = pools.tokens()
    make_plain(here)
    pools.put(0, old)
    assert set_mode(here, HOT, 3) == Settled()
    tend_all(here, CD)

    for number in range(3):
        assert steps.reserve(here, order(here, number=number)) is Outcome.RESERVED

    assert {token.generation for _, token in cells.state().tokens} == {1, 2}
    assert pools.depth(0) == 0
    check(cells.state())


def test_a_worker_that_still_believes_in_the_last_generation_takes_nothing_from_the_next_owner_of_the_pool(
    cells: MemoryCells, pools: MemoryPools, here: Ports
) -> None:
    make_hot(here, 2)
    late = order(here)
    here.hot_items.remembered.remember([allotment_of(here)], now=here.clock.now())
    stale = dict(here.hot_items.remembered.recall([CD], now=here.clock.now()))
    other = with_pools(cells, pools)
    make_plain(other)
    make_hot(other, 5, BOOK)
    assert (allotment_of(here, BOOK).selling.pool, stale[CD].selling.pool) == (0, 0)

    here.hot_items.remembered.remember(stale.values(), now=here.clock.now())
    assert steps.reserve(here, late) is Outcome.RESERVED

    assert len(pools.tokens()) == 5
    assert allotment_of(here).free == 1
    check(cells.state())


def test_hot_again_while_it_drains_goes_on_in_the_same_generation(cells: MemoryCells, here: Ports) -> None:
    make_hot(here, 2000)
    assert set_mode(here, PLAIN, 2) == Settled()
    assert tend(here, CD)
    drained = allotment_of(here)
    assert (drained.selling.mode, drained.free) == (SellingMode.DRAINING, 1000)

    assert set_mode(here, HOT, 3) == Settled()
    tend_all(here, CD)

    after = allotment_of(here)
    assert (after.selling.mode, after.selling.generation, after.free, after.selling.open) == (
        SellingMode.HOT,
        1,
        0,
        2000,
    )
    assert steps.reserve(here, order(here)) is Outcome.RESERVED
    check(cells.state())


def test_there_are_as_many_hot_skus_as_pools(here: Ports) -> None:
    for sku in (CD, BOOK):
        make_hot(here, 1, sku)
    list_price(here, "third", usd(5))
    allot(here, "third", 1)

    refused = set_mode(here, HOT, 1, "third")
    assert isinstance(refused, Refusal)
    assert refused.kind is RefusalKind.NO_TOKEN_QUEUE
    make_plain(here)
    assert set_mode(here, HOT, 2, "third") == Settled()
    assert set_mode(here, HOT, 1, "unknown") == Refusal(
        RefusalKind.UNKNOWN_SKU, f"{HERE} has no allotment of unknown: set one before it is sold in any way"
    )


def test_an_older_switch_that_comes_late_changes_nothing(here: Ports) -> None:
    make_hot(here, 1)
    assert set_mode(here, HOT, 1) == Settled()

    late = set_mode(here, PLAIN, 1)

    assert isinstance(late, Refusal)
    assert late.kind is RefusalKind.SUPERSEDED
    assert allotment_of(here).selling.mode is SellingMode.HOT


def test_what_the_last_release_forgot_of_a_released_reservation_is_found_when_the_sku_drains(
    cells: MemoryCells, here: Ports
) -> None:
    """It knows of no tokens: it releases the reservation, and leaves them as they are."""
    make_hot(here, 2)
    forgotten = order(here)
    steps.reserve(here, forgotten)
    cells.client(HERE).update_item(
        TableName=cells.table,
        Key={"pk": {"S": f"ORDER#{forgotten}"}, "sk": {"S": "RESERVATION"}},
        UpdateExpression="SET #state = :released",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":released": {"S": "Released"}},
    )

    make_plain(here)

    assert allotment_of(here).free == 2
    check(cells.state())


def test_while_it_drains_an_order_waits_for_units_that_are_free(cells: MemoryCells, here: Ports) -> None:
    make_hot(here, 3)
    early = order(here, (CD, 2))
    assert set_mode(here, PLAIN, 2) == Settled()

    with pytest.raises(UndecidedError):
        steps.reserve(here, early)
    assert allotment_of(here).free == 0
    check(cells.state())
    tend_all(here, CD)

    assert steps.reserve(here, early) is Outcome.RESERVED
    check(cells.state())


def test_a_pool_is_left_empty_however_many_messages_it_has(cells: MemoryCells, pools: MemoryPools, here: Ports) -> None:
    make_hot(here, 520)
    pools.repeat()
    assert len(pools.tokens()) == 1040

    make_plain(here)

    assert pools.tokens() == []
    check(cells.state())


def test_books_that_contradict_each_other_stop_the_way_back_and_are_named(cells: MemoryCells, here: Ports) -> None:
    make_hot(here, 3)
    cells.client(HERE).update_item(
        TableName=cells.table,
        Key={"pk": {"S": f"ALLOTMENT#{CD}#{HERE}"}, "sk": {"S": "ALLOTMENT"}},
        UpdateExpression="ADD selling_open :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )

    with pytest.raises(MiscountedTokensError, match=f"1 tokens of {CD} in {HERE}, generation 1, are counted open"):
        make_plain(here)

    assert allotment_of(here).selling.is_draining()


def test_a_switch_that_was_asked_for_by_command_is_answered_in_its_record(here: Ports) -> None:
    make_hot(here, 1)

    def asked(mode: RequestedSellingMode, version: int, name: str) -> CommandRecord | None:
        set_selling_mode(here, SetSellingMode(sku=CD, mode=mode, version=version), command(name, "stock.write"))
        return here.store.command(name)

    refused, repeated, done = asked(PLAIN, 1, "late"), asked(HOT, 1, "again"), asked(PLAIN, 2, "next")

    assert refused is not None
    assert refused.refusal is not None
    assert (refused.outcome, refused.refusal.kind) == (CommandOutcome.REFUSED, RefusalKind.SUPERSEDED)
    assert [record.outcome if record else None for record in (repeated, done)] == [CommandOutcome.ACCEPTED] * 2
