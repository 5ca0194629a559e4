"""What a function remembers of offers: those in demand, for a second at most; all else is read for each order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workloads.checkout.builders import BOOK, CD, CUSTOMER, command, list_price, order_of, replaced, request, usd
from tests.workloads.conftest import HERE, THERE
from workloads.checkout.adapters import offer_memory
from workloads.checkout.adapters.offer_memory import OffersForASecond
from workloads.checkout.application.changes import TellSellingMode
from workloads.checkout.application.place_order import place_order
from workloads.checkout.application.ports import Account, OrderRecord, Ports
from workloads.checkout.application.results import Placed, Settled
from workloads.checkout.application.selling import set_selling
from workloads.checkout.domain.listing import Listing, Offer
from workloads.checkout.domain.price import Price
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.contracts.commands import StopSelling
from workloads.contracts.money import Money


class Shelf:
    """Offers to read, and what was read of them; a read may take time."""

    def __init__(self, *offers: Offer, takes: float = 0.0) -> None:
        self.offers = {offer.price.sku: offer for offer in offers}
        self.reads: list[frozenset[str]] = []
        self.now = 100.0
        self._takes = takes

    def monotonic(self) -> float:
        return self.now

    def read(self, skus: frozenset[str]) -> Mapping[str, Offer]:
        self.reads.append(skus)
        found = {sku: self.offers[sku] for sku in skus if sku in self.offers}
        self.now += self._takes
        return found


class CountingStore:
    """Checkout's store, and what of it was read."""

    def __init__(self, ports: Ports) -> None:
        self._store = ports.store
        self.reads: list[str] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def offers(self, skus: Iterable[str], region: str) -> Mapping[str, Offer]:
        self.reads.append("offers")
        return self._store.offers(skus, region)

    def account(self, customer_id: str) -> Account:
        self.reads.append("account")
        return self._store.account(customer_id)

    def order(self, order_id: str) -> OrderRecord:
        self.reads.append("order")
        return self._store.order(order_id)


def offer(sku: str = CD, cents: int = 1099, *, by_tokens: bool = False, sold_out: bool = False) -> Offer:
    price = Price(sku=sku, region=HERE, amount=usd(cents), version=1)
    return Offer(price=price, by_tokens=by_tokens, sold_out=sold_out)


def cents_of(offers: Mapping[str, Offer]) -> int:
    return offers[CD].price.amount.minor_units


def sell_by_tokens(ports: Ports) -> None:
    """Say so in the listing, which is all that the entry reads of it."""
    ports.store.commit([TellSellingMode(Listing(sku=CD, region=ports.region, by_tokens=True))])


def test_what_is_in_demand_is_read_once_a_second() -> None:
    shelf = Shelf(offer(CD, by_tokens=True), offer(BOOK, sold_out=True))
    memory = OffersForASecond(shelf.monotonic)

    for tenth in range(10):
        shelf.now = 100 + tenth / 10
        assert memory.offers([CD, BOOK], HERE, shelf.read) == shelf.offers

    assert shelf.reads == [frozenset({CD, BOOK})]


def test_what_is_not_in_demand_is_read_for_each_order() -> None:
    shelf = Shelf(offer(CD, by_tokens=True), offer(BOOK))
    memory = OffersForASecond(shelf.monotonic)

    for _ in range(3):
        assert memory.offers([CD, BOOK], HERE, shelf.read) == shelf.offers

    assert shelf.reads == [frozenset({CD, BOOK}), frozenset({BOOK}), frozenset({BOOK})]


def test_a_sku_without_a_price_is_looked_for_each_time() -> None:
    shelf = Shelf()
    memory = OffersForASecond(shelf.monotonic)

    assert [memory.offers([CD], HERE, shelf.read) for _ in range(2)] == [{}, {}]
    assert len(shelf.reads) == 2


def test_the_second_counts_from_before_the_read_and_is_not_prolonged_by_asking() -> None:
    shelf = Shelf(offer(cents=1000, by_tokens=True), takes=0.4)
    memory = OffersForASecond(shelf.monotonic)
    memory.offers([CD], HERE, shelf.read)
    shelf.offers[CD] = offer(cents=2000, by_tokens=True)

    shelf.now = 100.9
    assert cents_of(memory.offers([CD], HERE, shelf.read)) == 1000
    shelf.now = 101.0
    assert cents_of(memory.offers([CD], HERE, shelf.read)) == 2000


def test_what_was_in_demand_and_is_not_any_more_is_read_for_each_order_again() -> None:
    shelf = Shelf(offer(by_tokens=True))
    memory = OffersForASecond(shelf.monotonic)
    memory.offers([CD], HERE, shelf.read)
    shelf.offers[CD] = offer()

    shelf.now += 1.0
    memory.offers([CD], HERE, shelf.read)
    memory.offers([CD], HERE, shelf.read)

    assert len(shelf.reads) == 3


def test_each_home_region_has_its_own_offers() -> None:
    here, there = Shelf(offer(by_tokens=True)), Shelf(offer())
    memory = OffersForASecond(here.monotonic)

    assert memory.offers([CD], HERE, here.read)[CD].by_tokens
    assert not memory.offers([CD], THERE, there.read)[CD].by_tokens
    assert memory.offers([CD], HERE, here.read)[CD].by_tokens


def test_no_more_is_kept_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offer_memory, "_MOST", 3)
    skus = [f"sku-{number}" for number in range(10)]
    shelf = Shelf(*(offer(sku, by_tokens=True) for sku in skus))
    memory = OffersForASecond(shelf.monotonic)
    for sku in skus:
        memory.offers([sku], HERE, shelf.read)
    asked_for: list[frozenset[str]] = []

    def nothing(missing: frozenset[str]) -> Mapping[str, Offer]:
        asked_for.append(missing)
        return {}

    for sku in skus:
        memory.offers([sku], HERE, nothing)

    assert len(skus) - 3 <= len(asked_for) < len(skus)


@given(st.lists(st.tuples(st.floats(0.0, 0.6), st.booleans()), min_size=1, max_size=40))
def test_no_answer_is_older_than_a_second_whatever_is_asked_and_when(asked: list[tuple[float, bool]]) -> None:
    """Each read tells the time as the price: an answer's age is what the clock says less that."""
    shelf = Shelf(offer(by_tokens=True))
    memory = OffersForASecond(shelf.monotonic)
    for pause, in_demand in asked:
        shelf.now += pause
        shelf.offers[CD] = offer(cents=round(shelf.now * 1000), by_tokens=in_demand)

        assert cents_of(memory.offers([CD], HERE, shelf.read)) > (shelf.now - 1.0) * 1000 - 1


def test_orders_of_a_hot_sku_read_the_customers_own_items_and_no_offer_for_a_second(here: Ports) -> None:
    list_price(here)
    sell_by_tokens(here)
    store, now = CountingStore(here), [0.0]
    remembering = replaced(here, store=store, offers=OffersForASecond(lambda: now[0]))

    for number in range(3):
        placed = place_order(remembering, order_of(customer=f"{CUSTOMER}-{number}"), request())
        assert isinstance(placed, Placed)

    assert store.reads == ["order", "account", "offers", "order", "account", "order", "account"]


def test_a_new_price_and_a_stop_of_a_hot_sku_count_a_second_later(here: Ports) -> None:
    list_price(here, price=usd(1099))
    sell_by_tokens(here)
    now = [0.0]
    remembering = replaced(here, offers=OffersForASecond(lambda: now[0]))

    def paid(key: str) -> Money | RefusalKind:
        result = place_order(remembering, order_of(key=key), request())
        if isinstance(result, Refusal):
            return result.kind
        assert isinstance(result, Placed)
        return result.order.lines[0].unit_price

    assert paid("before") == usd(1099)
    list_price(here, price=usd(1299), version=2)
    now[0] = 0.99
    assert paid("at once") == usd(1099)
    now[0] = 1.0
    assert paid("a second later") == usd(1299)

    assert set_selling(here, StopSelling(sku=CD, version=1), command("stop", "catalogue.write")) == Settled()
    now[0] = 1.99
    assert paid("stopped") == usd(1299)
    now[0] = 2.0
    assert paid("stopped a second ago") is RefusalKind.NOT_FOR_SALE


def test_a_new_price_of_an_ordinary_sku_counts_at_once(here: Ports) -> None:
    list_price(here, price=usd(1099))
    remembering = replaced(here, offers=OffersForASecond(lambda: 0.0))
    place_order(remembering, order_of(key="before"), request())
    list_price(here, price=usd(1299), version=2)

    placed = place_order(remembering, order_of(key="after"), request())

    assert isinstance(placed, Placed)
    assert placed.order.lines[0].unit_price == usd(1299)
