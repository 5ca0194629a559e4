"""What the entry judges an order by: the pushed flag of sold-out stock, and whether a SKU is for sale."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.builders import (
    BOOK,
    CD,
    CUSTOMER,
    FOREIGNER,
    allot,
    command,
    list_price,
    order_of,
    place,
    replaced,
    request,
)
from tests.workloads.checkout.cell import AnyCells, MemoryCells
from tests.workloads.conftest import HERE, THERE
from workloads.checkout.adapters.offer_memory import OffersForASecond
from workloads.checkout.application.follow_stock import follow_level
from workloads.checkout.application.place_order import place_order
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.results import HandedOver, Placed, Settled
from workloads.checkout.application.selling import set_selling
from workloads.checkout.domain.allotment import Allotment
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.checkout.domain.step import Outcome
from workloads.contracts.commands import ResumeSelling, StopSelling
from workloads.contracts.envelope import open_message
from workloads.contracts.events import BackInStock, SoldOut, StockRanLow, StockRecovered


class Watch:
    """Keeps what people would be told."""

    def __init__(self) -> None:
        self.idle: list[Allotment] = []

    def idle_beside_low(self, idle: Allotment) -> None:
        self.idle.append(idle)


def push(cells: AnyCells) -> Watch:
    """Let all events of the stock's level arrive at their own Region's follower, as the bus delivers them."""
    watch = Watch()
    for event in cells.events():
        message = open_message(event)
        if isinstance(message, SoldOut | BackInStock | StockRanLow | StockRecovered):
            follow_level(cells.ports(event.originregion), message, watch)
    return watch


def ask(ports: Ports, *lines: tuple[str, int], customer: str = CUSTOMER, key: str = "asked") -> object:
    return place_order(ports, order_of(*lines, customer=customer, key=key), request())


def kind_of(result: object) -> RefusalKind | None:
    return result.kind if isinstance(result, Refusal) else None


def sell_out(ports: Ports, customer: str = CUSTOMER) -> str:
    order = place(ports, (CD, 2), customer=customer, key="last")
    assert steps.reserve(ports, order) is Outcome.RESERVED
    return order


def test_an_order_for_what_is_sold_out_is_refused_at_the_entry(cells: AnyCells, here: Ports) -> None:
    list_price(here)
    allot(here, units=2)
    sell_out(here)
    push(cells)

    result = ask(here)

    assert kind_of(result) is RefusalKind.SOLD_OUT
    assert not [item for item in cells.items() if item.get("customer_id") == CUSTOMER and item["sk"] == "COMMAND"]
    assert len([item for item in cells.items() if item["sk"] == "ORDER"]) == 1


def test_the_customers_home_judges_wherever_the_order_arrives(cells: AnyCells, here: Ports, there: Ports) -> None:
    list_price(here)
    allot(here, units=2)
    allot(there, units=5)
    sell_out(here)
    push(cells)

    assert kind_of(ask(there)) is RefusalKind.SOLD_OUT
    assert isinstance(ask(here, customer=FOREIGNER), HandedOver)
    assert isinstance(ask(there, customer=FOREIGNER), HandedOver | Placed)


def test_one_line_that_is_sold_out_refuses_the_order(cells: AnyCells, here: Ports) -> None:
    list_price(here)
    list_price(here, BOOK)
    allot(here, units=2)
    sell_out(here)
    push(cells)

    result = ask(here, (BOOK, 1), (CD, 1))

    assert isinstance(result, Refusal)
    assert (result.kind, CD in result.detail, BOOK in result.detail) == (RefusalKind.SOLD_OUT, True, False)


@pytest.mark.parametrize("way", ["released", "set", "released untold"])
def test_orders_pass_again_when_stock_comes_back(cells: AnyCells, here: Ports, way: str) -> None:
    list_price(here)
    allot(here, units=2)
    held = sell_out(here)
    push(cells)
    assert kind_of(ask(here)) is RefusalKind.SOLD_OUT

    if way == "set":
        allot(here, units=3, version=2)
    else:
        steps.release(here, held)
    if way != "released untold":
        push(cells)

    assert isinstance(ask(here), Placed)


def test_an_order_that_is_known_is_answered_though_its_sku_is_sold_out(cells: AnyCells, here: Ports) -> None:
    list_price(here)
    allot(here, units=2)
    sell_out(here)
    push(cells)

    assert isinstance(ask(here, (CD, 2), key="last"), Placed)


def test_an_order_by_command_is_decided_by_the_stock_itself(cells: AnyCells, here: Ports) -> None:
    list_price(here)
    allot(here, units=2)
    sell_out(here)
    push(cells)

    placed = place_order(here, order_of(), command())

    assert isinstance(placed, Placed)
    assert steps.reserve(here, placed.order.id) is Outcome.SOLD_OUT


def test_the_flag_is_that_of_the_last_event_in_whatever_order_they_come() -> None:
    events = [
        SoldOut(sku=CD, region=HERE, sequence=2),
        BackInStock(sku=CD, region=HERE, sequence=4),
        SoldOut(sku=CD, region=HERE, sequence=5),
    ]
    for order in permutations([*events, events[0]]):
        cells = MemoryCells()
        for event in order:
            follow_level(cells.ports(), event, Watch())

        [listing] = cells.ports().store.listings(CD)
        assert (listing.sold_out, listing.level_sequence) == (True, 5)


def test_what_was_found_sold_out_is_remembered_for_a_second(cells: AnyCells, here: Ports) -> None:
    now = [0.0]
    remembering = replaced(here, offers=OffersForASecond(lambda: now[0]))
    list_price(here)
    allot(here, units=2)
    sell_out(here)
    push(cells)
    assert kind_of(ask(remembering)) is RefusalKind.SOLD_OUT
    allot(here, units=3, version=2)
    push(cells)

    now[0] = 0.9
    assert kind_of(ask(remembering)) is RefusalKind.SOLD_OUT
    now[0] = 1.1
    assert isinstance(ask(remembering), Placed)


def test_stock_that_lies_idle_beside_sold_out_stock_is_pointed_out(cells: AnyCells, here: Ports, there: Ports) -> None:
    list_price(here)
    allot(here, units=2)
    allot(there, units=10)
    sell_out(here)

    assert [(idle.region, idle.free) for idle in push(cells).idle] == [(THERE, 10)]


def test_stock_that_sells_everywhere_is_not_pointed_out(cells: AnyCells, here: Ports, there: Ports) -> None:
    list_price(here)
    allot(here, units=2)
    allot(there, units=5)
    order = place(there, (CD, 3), customer=FOREIGNER)
    steps.reserve(there, order)
    sell_out(here)

    assert push(cells).idle == []


def test_low_stock_beside_idle_stock_is_pointed_out(cells: AnyCells, here: Ports, there: Ports) -> None:
    list_price(here)
    allot(here, units=20)
    allot(there, units=20)
    steps.reserve(here, place(here, (CD, 18)))

    assert [idle.region for idle in push(cells).idle] == [THERE]


def test_what_is_not_for_sale_is_refused_in_every_region_until_it_is_again(here: Ports, there: Ports) -> None:
    list_price(here)
    allot(here)
    placed_before = place(here)

    assert set_selling(there, StopSelling(sku=CD, version=1), command("stop", "catalogue.write")) == Settled()

    assert kind_of(ask(here)) is RefusalKind.NOT_FOR_SALE
    assert kind_of(ask(there)) is RefusalKind.NOT_FOR_SALE
    assert kind_of(place_order(here, order_of(key="by command"), command())) is RefusalKind.NOT_FOR_SALE
    assert steps.reserve(here, placed_before) is Outcome.RESERVED

    set_selling(here, ResumeSelling(sku=CD, version=2), command("resume", "catalogue.write"))
    assert isinstance(ask(here), Placed)


def test_the_newest_word_on_a_sale_counts_in_whatever_order_and_region_it_comes(cells: AnyCells) -> None:
    here, there = cells.ports(HERE), cells.ports(THERE)
    list_price(here)
    set_selling(there, ResumeSelling(sku=CD, version=3), command("c", "catalogue.write"))

    late = set_selling(here, StopSelling(sku=CD, version=2), command("b", "catalogue.write"))

    assert kind_of(late) is RefusalKind.SUPERSEDED
    assert isinstance(ask(here), Placed)
    assert set_selling(here, ResumeSelling(sku=CD, version=3), command("d", "catalogue.write")) == Settled()
    other = set_selling(here, StopSelling(sku=CD, version=3), command("e", "catalogue.write"))
    assert kind_of(other) is RefusalKind.SUPERSEDED


def test_the_flag_and_the_sale_do_not_disturb_each_other(here: Ports) -> None:
    follow_level(here, SoldOut(sku=CD, region=HERE, sequence=1), Watch())
    set_selling(here, StopSelling(sku=CD, version=1), command("a", "catalogue.write"))
    follow_level(here, BackInStock(sku=CD, region=HERE, sequence=2), Watch())

    [listing] = here.store.listings(CD)
    assert (listing.stopped, listing.version, listing.sold_out, listing.level_sequence) == (True, 1, False, 2)


def test_a_later_event_that_comes_first_after_all_is_not_undone() -> None:
    cells = MemoryCells()
    here = cells.ports()

    def overtake() -> None:
        cells.before_commit = lambda: None
        follow_level(here, BackInStock(sku=CD, region=HERE, sequence=2), Watch())

    cells.before_commit = overtake
    follow_level(here, SoldOut(sku=CD, region=HERE, sequence=1), Watch())

    [listing] = here.store.listings(CD)
    assert (listing.sold_out, listing.level_sequence) == (False, 2)


def test_a_later_word_on_a_sale_that_comes_first_after_all_is_not_undone() -> None:
    cells = MemoryCells()
    here = cells.ports()

    def overtake() -> None:
        cells.before_commit = lambda: None
        set_selling(here, StopSelling(sku=CD, version=2), command("b", "catalogue.write"))

    cells.before_commit = overtake
    set_selling(here, ResumeSelling(sku=CD, version=1), command("a", "catalogue.write"))

    [listing] = here.store.listings(CD)
    assert (listing.stopped, listing.version) == (True, 2)
