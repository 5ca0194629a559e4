"""Selling by tokens: an order has all of its tokens or none, exactly, whatever the queue does."""

from __future__ import annotations

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
    order_of,
    refund_of,
    request,
)
from tests.workloads.checkout.cell import MemoryCells, events_of
from tests.workloads.checkout.hot_items.selling import (
    HOT,
    PLAIN,
    allotment_of,
    kind_of,
    make_hot,
    make_plain,
    order,
    pass_time,
    set_mode,
)
from tests.workloads.checkout.invariants import check
from tests.workloads.checkout.token_pools import MemoryPools, tend_all
from tests.workloads.conftest import HERE, THERE
from workloads.checkout.adapters import keys
from workloads.checkout.adapters.attributes import write_item
from workloads.checkout.adapters.dynamodb import DynamoDbStore
from workloads.checkout.adapters.token_ledger import DynamoDbTokenLedger
from workloads.checkout.application.deciding import UndecidedError
from workloads.checkout.application.hot_items.refilling import refill
from workloads.checkout.application.outbox_entries import Cause
from workloads.checkout.application.place_order import place_order
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.refund import refund_purchase
from workloads.checkout.application.results import HandedOver, Placed, Settled
from workloads.checkout.domain.order import Acceptance
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.checkout.domain.step import Outcome
from workloads.checkout.domain.token import TokenState


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
