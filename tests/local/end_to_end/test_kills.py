"""SIGKILL of the functions' real workers under load, in both Regions: nothing is lost, and nothing doubled."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest

from local.failures import describe
from tests.local.end_to_end.conservation import Account, Ended, events_tell_each_thing_once, money_is_conserved
from tests.local.end_to_end.shop import Customer, Shop, eventually, money
from tests.local.end_to_end.test_stock import allotment
from tests.local.end_to_end.worker_kills import kill_while_busy
from workloads.contracts.identifiers import order_id

THREADS: Final = 8
WALLET: Final = 1_200
CHEAP: Final = 100
DEAR: Final = 700
"""Cents: the prices of the two titles."""
UNITS: Final = 100_000
ORDERS_OF_ONE: Final = 4
"""How many a customer places, one after the other."""
PATIENCE: Final = 120.0
"""Seconds until an order must have ended, and show in its view: what a killed worker held comes back after five, behind
all that came meanwhile, and may be killed again."""
HANDLERS: Final = (
    "workloads.checkout.entrypoints.api.handler",
    "workloads.checkout.entrypoints.outbox.handler",
    "workloads.checkout.entrypoints.saga_steps.handler",
    "workloads.checkout.entrypoints.commands.handler",
    "workloads.loyalty.entrypoints.awards.handler",
    "workloads.loyalty.entrypoints.outbox.handler",
    "workloads.checkout.entrypoints.saga_starter.handler",
    "workloads.singleview.entrypoints.updates.handler",
)
BREAKS: Final = 50
SEED: Final = 2

_TAKEN: Final = ("OrderPlaced", "StockReserved")
_BOUGHT: Final = (*_TAKEN, "WalletDebited", "PurchaseCompleted")
WAYS: Final = {
    ("Completed", None): (_BOUGHT,),
    ("Rejected", "InsufficientFunds"): ((*_TAKEN, "StockReleased", "PurchaseRejected"),),
    ("Cancelled", "CustomerRequest"): (
        ("OrderPlaced", "PurchaseCancelled"),
        (*_TAKEN, "StockReleased", "PurchaseCancelled"),
        (*_TAKEN, "WalletDebited", "WalletRefunded", "StockReleased", "PurchaseCancelled"),
    ),
}
"""The events of each way to each end."""


@dataclass(frozen=True, kw_only=True)
class Titles:
    """What is sold."""

    cheap: str
    dear: str

    def cost(self, basket: Counter[str]) -> int:
        """Return the cents."""
        return CHEAP * basket[self.cheap] + DEAR * basket[self.dear]


@dataclass(frozen=True, kw_only=True)
class Bought:
    """A customer after its orders."""

    account: Account
    units: Counter[str]


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Return how many invocations of each function have ended with their process, as the emulator reports it."""
    counted: Counter[str] = Counter()

    def count(report: Mapping[str, Any]) -> list[str]:
        if report.get("error_type") == "Runtime.ExitError":
            counted[report["function"]] += 1
        return describe(report)

    monkeypatch.setattr("local.failures.describe", count)
    return counted


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("impatient_queues")
def test_workers_that_are_killed_under_load_lose_and_double_nothing(shop: Shop, broken: Counter[str]) -> None:
    titles = Titles(cheap=shop.title(cents=CHEAP, units=UNITS), dear=shop.title(cents=DEAR, units=UNITS))

    with load(shop, titles, seed=SEED) as (bought, workers):

        def enough(killed: Counter[str]) -> bool:
            for worker in workers:
                if worker.done():
                    # Nobody ends before the load does, but by what an order did wrong.
                    worker.result()
            # A process that has just answered dies for nothing: what counts is what died with an invocation in it.
            return broken.total() >= BREAKS and all(killed[handler] for handler in HANDLERS)

        # The first orders are under way everywhere before the first worker dies.
        eventually(lambda: len(bought), lambda customers: customers > 0, seconds=60)
        killed = kill_while_busy(HANDLERS, enough=enough, rng=random.Random(SEED))  # noqa: S311 - a test repeats itself

    states = Counter(order.state for customer in bought for order in customer.account.orders)
    print(f"seed {SEED}; killed while busy: {dict(killed)}; invocations broken: {dict(broken)}; orders: {dict(states)}")
    assert killed.total() >= broken.total() >= BREAKS
    assert set(states) == {"Completed", "Rejected", "Cancelled"}
    money_is_conserved(shop, [customer.account for customer in bought], seconds=PATIENCE)
    events_tell_each_thing_once(shop, [order for customer in bought for order in customer.account.orders])
    units_are_conserved(shop, titles, bought)


@contextmanager
def load(shop: Shop, titles: Titles, *, seed: int) -> Generator[tuple[list[Bought], list[Future[None]]]]:
    """Keep customers of both Regions busy meanwhile; afterwards each has seen the end of all of its orders."""
    bought: list[Bought] = []
    closing = threading.Event()

    def work(number: int) -> None:
        rng = random.Random(1_000 * seed + number)  # noqa: S311 - a test repeats itself
        while not closing.is_set():
            bought.append(_buy(shop, titles, rng, home=shop.regions[number % 2]))

    with ThreadPoolExecutor(THREADS) as pool:
        workers = [pool.submit(work, number) for number in range(THREADS)]
        try:
            yield bought, workers
        finally:
            closing.set()
    for worker in workers:
        worker.result()


def _buy(shop: Shop, titles: Titles, rng: random.Random, *, home: str) -> Bought:
    """Let a new customer order until it has too little, and call an order off now and then."""
    customer = shop.customer(home)
    _insist(lambda key: shop.deposit(customer, WALLET, key=key), shop.unique("deposit"))
    orders: list[Ended] = []
    units: Counter[str] = Counter()
    for _ in range(ORDERS_OF_ONE):
        basket = Counter({titles.cheap: rng.randint(1, 3)})
        if rng.random() < 0.6:
            basket[titles.dear] = 1
        ended = _order(shop, customer, basket, rng, cents=titles.cost(basket))
        left = WALLET - sum(order.paid for order in orders)
        assert ended.state != "Completed" or left >= ended.cents, (ended, left)
        assert ended.state != "Rejected" or left < ended.cents, (ended, left)
        orders.append(ended)
        units += basket if ended.state == "Completed" else Counter()
    return Bought(account=Account(customer=customer, cents=WALLET, orders=orders), units=units)


def _order(shop: Shop, customer: Customer, basket: Counter[str], rng: random.Random, *, cents: int) -> Ended:
    body = {"lines": [{"sku": sku, "quantity": quantity} for sku, quantity in basket.items()]}
    region = rng.choice(shop.regions)
    answer = _insist(
        lambda key: shop.post(region, "/v1/orders", customer.token, body, key=key), key := shop.unique("order")
    )
    assert answer.status_code in {201, 202}, answer.text
    location = answer.headers["Location"]
    assert location == f"/v1/orders/{order_id(customer.id, key)}"
    if rng.random() < 0.25:
        # 404 where the order was handed over and has not arrived, 409 where it is a purchase already.
        _insist(lambda _: shop.post(region, f"{location}/cancellation", customer.token, {}), key)
    end = shop.ended(customer, location, seconds=PATIENCE)
    if end["state"] == "Completed":
        assert end["total"] == money(cents)
    ways = WAYS[end["state"], end.get("reason")]
    return Ended(order_id=end["orderId"], state=end["state"], cents=cents, ways=ways)


def _insist(ask: Callable[[str], httpx.Response], key: str) -> httpx.Response:
    """Ask again, with the same key, while the answer is lost or says that it was nobody's fault but the shop's."""

    def attempt() -> httpx.Response | None:
        with suppress(httpx.TransportError):
            return ask(key)
        return None

    answer = eventually(attempt, lambda answer: answer is not None and answer.status_code < 500)
    assert answer is not None
    return answer


def units_are_conserved(shop: Shop, titles: Titles, bought: Sequence[Bought]) -> None:
    """What is free in each Region, as each of them has it, is what was there less what its customers bought."""
    for region in shop.regions:
        sold: Counter[str] = Counter()
        for customer in bought:
            if customer.account.customer.home == region:
                sold += customer.units
        for sku in (titles.cheap, titles.dear):
            for seen_in in shop.regions:
                assert allotment(shop, sku, region, seen_in=seen_in)["free"] == UNITS - sold[sku], (region, sku)
