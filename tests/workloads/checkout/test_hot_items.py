"""Selling by tokens: exact whatever the queue does, and back to the plain counter without losing a unit."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.builders import (
    BOOK,
    CD,
    CUSTOMER,
    FOREIGNER,
    allot,
    command,
    deposit,
    list_price,
    order_of,
    place,
    refund_of,
    request,
    usd,
)
from tests.workloads.checkout.cell import MemoryCells, events_of
from tests.workloads.checkout.invariants import check
from tests.workloads.checkout.token_pools import MemoryPools, tend_all, with_pools
from tests.workloads.conftest import HERE, THERE
from workloads.checkout.adapters import keys
from workloads.checkout.adapters.attributes import write_item
from workloads.checkout.adapters.dynamodb import DynamoDbStore
from workloads.checkout.adapters.token_ledger import DynamoDbTokenLedger
from workloads.checkout.application.carry_out import carry_out
from workloads.checkout.application.deciding import UndecidedError
from workloads.checkout.application.follow_stock import follow_level
from workloads.checkout.application.hot_items.counting import count
from workloads.checkout.application.hot_items.draining import MiscountedTokensError
from workloads.checkout.application.hot_items.refilling import refill
from workloads.checkout.application.hot_items.tending import tend
from workloads.checkout.application.outbox_entries import Cause
from workloads.checkout.application.place_order import place_order
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.refund import refund_purchase
from workloads.checkout.application.results import HandedOver, Placed, Settled
from workloads.checkout.application.selling import set_selling
from workloads.checkout.application.set_selling_mode import set_selling_mode
from workloads.checkout.domain.allotment import Allotment
from workloads.checkout.domain.command_record import CommandOutcome, CommandRecord
from workloads.checkout.domain.listing import Listing
from workloads.checkout.domain.order import Acceptance
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.checkout.domain.selling import SellingMode
from workloads.checkout.domain.step import Outcome
from workloads.checkout.domain.token import TokenState
from workloads.contracts.commands import (
    ReceiveTransfer,
    RequestedSellingMode,
    SetSellingMode,
    StopSelling,
    TransferAllotment,
)
from workloads.contracts.events import SoldOut

HOT = RequestedSellingMode.HOT
PLAIN = RequestedSellingMode.PLAIN


@pytest.fixture
def cells() -> MemoryCells:
    return MemoryCells()


@pytest.fixture
def pools() -> MemoryPools:
    return MemoryPools()


@pytest.fixture
def here(cells: MemoryCells, pools: MemoryPools) -> Ports:
    ports = with_pools(cells, pools)
    list_price(ports, price=usd(100))
    list_price(ports, BOOK, usd(2500))
    return ports


def set_mode(ports: Ports, mode: RequestedSellingMode, version: int, sku: str = CD) -> Settled | Refusal:
    return set_selling_mode(
        ports, SetSellingMode(sku=sku, mode=mode, version=version), request(f"mode-{sku}-{version}")
    )


def make_hot(ports: Ports, units: int, sku: str = CD) -> None:
    allot(ports, sku, units)
    assert set_mode(ports, HOT, 1, sku) == Settled()
    tend_all(ports, sku)


def make_plain(ports: Ports, version: int = 2) -> None:
    assert set_mode(ports, PLAIN, version) == Settled()
    tend_all(ports, CD)


def order(ports: Ports, *lines: tuple[str, int], number: int = 0) -> str:
    return place(ports, *lines or ((CD, 1),), customer=f"{CUSTOMER}-{number}")


def kind_of(result: object) -> RefusalKind | None:
    return result.kind if isinstance(result, Refusal) else None


def allotment_of(ports: Ports, sku: str = CD) -> Allotment:
    return ports.store.allotments([sku], HERE)[sku]


def pass_time(cells: MemoryCells, **span: float) -> None:
    cells.clock.moment += timedelta(**span)


def test_a_hot_skus_units_are_tokens_that_orders_take_and_the_counter_is_not_written(
    cells: MemoryCells, pools: MemoryPools, here: Ports
) -> None:
    make_hot(here, 3)
    before = allotment_of(here)
    assert (before.free, before.selling.open, len(pools.tokens())) == (0, 3, 3)

    assert steps.reserve(here, order(here)) is Outcome.RESERVED

    assert allotment_of(here) == before
    assert len(pools.tokens()) == 2
    check(cells.state())


def test_sold_out_is_told_by_the_count_once_and_ends_the_polling(
    cells: MemoryCells, pools: MemoryPools, here: Ports
) -> None:
    make_hot(here, 2)
    for number in range(2):
        assert steps.reserve(here, order(here, number=number)) is Outcome.RESERVED
    late = order(here, number=2)

    with pytest.raises(UndecidedError):
        steps.reserve(here, late)
    assert pools.woken[-1] == CD
    for _ in range(2):
        pass_time(cells, seconds=1)
        tend_all(here, CD)

    assert steps.reserve(here, late) is Outcome.SOLD_OUT
    assert [event["sku"] for event in events_of(cells, "SoldOut")] == [CD]
    check(cells.state())


def test_an_empty_queue_is_not_sold_out(cells: MemoryCells, pools: MemoryPools, here: Ports) -> None:
    make_hot(here, 2)
    pools.lose()
    late = order(here)

    with pytest.raises(UndecidedError):
        steps.reserve(here, late)
    pass_time(cells, seconds=1)
    tend_all(here, CD)

    assert events_of(cells, "SoldOut") == []
    with pytest.raises(UndecidedError):
        steps.reserve(here, late)
    pass_time(cells, minutes=2)
    assert refill(here, CD) == 2
    assert steps.reserve(here, late) is Outcome.RESERVED


def test_the_same_number_delivered_twice_is_one_orders(cells: MemoryCells, pools: MemoryPools, here: Ports) -> None:
    make_hot(here, 4)
    pools.repeat()
    pools.repeat()

    for number in range(4):
        assert steps.reserve(here, order(here, number=number)) is Outcome.RESERVED
    pools.time_out()
    with pytest.raises(UndecidedError):
        steps.reserve(here, order(here, number=9))

    assert pools.tokens() == []
    check(cells.state())


def test_an_order_gets_all_its_tokens_or_none_beside_its_plain_lines(
    cells: MemoryCells, pools: MemoryPools, here: Ports
) -> None:
    make_hot(here, 5)
    allot(here, BOOK, 1)

    both = order(here, (CD, 3), (BOOK, 1), number=1)
    assert steps.reserve(here, both) is Outcome.RESERVED
    assert steps.reserve(here, order(here, (CD, 1), (BOOK, 1), number=2)) is Outcome.SOLD_OUT
    assert len(pools.tokens()) == 2
    with pytest.raises(UndecidedError):
        steps.reserve(here, order(here, (CD, 3), number=3))
    pass_time(cells, seconds=1)
    tend_all(here, CD)

    assert steps.reserve(here, order(here, (CD, 3), number=3)) is Outcome.SOLD_OUT
    assert steps.reserve(here, order(here, (CD, 2), number=4)) is Outcome.RESERVED
    check(cells.state())


def test_an_order_for_more_tokens_than_fit_into_a_transaction_is_sold_out_if_it_was_placed_before_the_switch(
    cells: MemoryCells, here: Ports
) -> None:
    before = order(here, (CD, 49), number=2)
    make_hot(here, 120)

    assert steps.reserve(here, order(here, (CD, 48), number=1)) is Outcome.RESERVED
    assert steps.reserve(here, before) is Outcome.SOLD_OUT
    check(cells.state())


@pytest.mark.parametrize("cause", [request("an order"), command("an order")], ids=lambda cause: cause.acceptance)
def test_an_order_for_more_tokens_than_fit_into_a_transaction_is_refused_at_the_entry(
    cells: MemoryCells, here: Ports, cause: Cause
) -> None:
    make_hot(here, 60)
    make_hot(here, 60, BOOK)

    refused = place_order(here, order_of((CD, 29), (BOOK, 19), (CD, 1)), cause)

    assert isinstance(refused, Refusal)
    assert refused.kind is RefusalKind.TOO_MANY_UNITS
    assert f"{BOOK}, {CD}" in refused.detail
    assert "48 units of such items at most, and this one asks for 49" in refused.detail
    assert cells.state().orders == {}
    kept = here.store.command("an order")
    assert (kept.refusal if kept else None) == (refused if cause.acceptance is Acceptance.ASYNCHRONOUS else None)
    assert isinstance(place_order(here, order_of((CD, 29), (BOOK, 19)), request()), Placed)


def test_the_customers_home_says_how_many_units_an_order_may_have(cells: MemoryCells, here: Ports) -> None:
    there = cells.ports(THERE)
    make_hot(here, 60)

    assert kind_of(place_order(there, order_of((CD, 49)), request())) is RefusalKind.TOO_MANY_UNITS
    assert isinstance(place_order(here, order_of((CD, 49), customer=FOREIGNER), request()), HandedOver)


def test_what_turns_back_into_ordinary_units_is_ordered_in_any_number_at_once(here: Ports) -> None:
    make_hot(here, 60)

    assert set_mode(here, PLAIN, 2) == Settled()

    assert isinstance(place_order(here, order_of((CD, 49)), request()), Placed)
    assert set_mode(here, HOT, 3) == Settled()
    assert kind_of(place_order(here, order_of((CD, 49), key="next"), request())) is RefusalKind.TOO_MANY_UNITS


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


def test_the_same_order_reserved_again_keeps_its_tokens(cells: MemoryCells, pools: MemoryPools, here: Ports) -> None:
    make_hot(here, 3)
    first = order(here, (CD, 2))
    assert steps.reserve(here, first) is Outcome.RESERVED
    tokens = cells.state().reservations[first].tokens

    assert steps.reserve(here, first) is Outcome.RESERVED

    assert cells.state().reservations[first].tokens == tokens
    assert len(pools.tokens()) == 1


def test_released_tokens_are_sold_again_and_take_sold_out_back(cells: MemoryCells, here: Ports) -> None:
    make_hot(here, 1)
    first, second = order(here, number=1), order(here, number=2)
    steps.reserve(here, first)
    pass_time(cells, seconds=1)
    tend_all(here, CD)
    assert len(events_of(cells, "SoldOut")) == 1

    assert steps.release(here, first) is Outcome.RELEASED
    pass_time(cells, seconds=1)
    tend_all(here, CD)

    assert len(events_of(cells, "BackInStock")) == 1
    assert steps.reserve(here, second) is Outcome.RESERVED
    check(cells.state())


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


def test_a_hot_order_goes_all_the_way_and_all_the_way_back(cells: MemoryCells, here: Ports) -> None:
    make_hot(here, 2)
    rich, poor = order(here, number=1), order(here, number=2)
    deposit(here, 100, customer=f"{CUSTOMER}-1")

    assert steps.reserve(here, rich) is Outcome.RESERVED
    assert steps.debit(here, rich) is Outcome.DEBITED
    assert steps.complete(here, rich) is Outcome.COMPLETED
    assert steps.reserve(here, poor) is Outcome.RESERVED
    assert steps.debit(here, poor) is Outcome.WALLET_MISSING
    assert steps.release(here, poor) is Outcome.RELEASED
    assert steps.reject(here, poor) is Outcome.REJECTED

    check(cells.state())
    make_plain(here)
    assert allotment_of(here).free == 1
    check(cells.state())


@pytest.mark.parametrize("drained", [False, True], ids=["while hot", "after it became plain"])
def test_a_purchase_that_is_refunded_gives_its_tokens_back(cells: MemoryCells, here: Ports, *, drained: bool) -> None:
    make_hot(here, 2)
    bought = order(here, (CD, 2), number=1)
    deposit(here, 200, customer=f"{CUSTOMER}-1")
    for step in (steps.reserve, steps.debit, steps.complete):
        step(here, bought)
    if drained:
        make_plain(here)

    assert isinstance(refund_purchase(here, refund_of(bought, customer=f"{CUSTOMER}-1"), request("refund")), Placed)

    check(cells.state())
    pass_time(cells, seconds=1)
    tend_all(here, CD)
    assert steps.reserve(here, order(here, (CD, 2), number=2)) is Outcome.RESERVED
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


def test_while_a_sku_is_known_to_be_hot_an_order_reads_neither_its_allotment_nor_what_its_tokens_are(
    here: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_hot(here, 3)
    orders = [order(here, number=number) for number in range(2)]
    assert steps.reserve(here, orders[0]) is Outcome.RESERVED

    def unexpected(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(DynamoDbStore, "allotments", unexpected)
    monkeypatch.setattr(DynamoDbTokenLedger, "records", unexpected)
    assert steps.reserve(here, orders[1]) is Outcome.RESERVED


def test_a_token_that_is_written_down_as_anothers_keeps_no_order_from_its_release(
    cells: MemoryCells, here: Ports
) -> None:
    make_hot(here, 1)
    first = order(here)
    assert steps.reserve(here, first) is Outcome.RESERVED
    [token] = [token for _, token in cells.state().tokens]
    cells.client(HERE).update_item(
        TableName=cells.table,
        Key=write_item(keys.token(token, HERE)),
        UpdateExpression="SET order_id = :other",
        ExpressionAttributeValues={":other": {"S": "o-another"}},
    )

    assert steps.release(here, first) is Outcome.RELEASED

    [record] = cells.state().tokens.values()
    assert (record.state, record.order_id) == (TokenState.TAKEN, "o-another")


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
