"""What the demo does with the orders, and what must come of it: pure, and the same at every run.

The expected result is computed here from the file and the plan alone, with nothing of the product's code, so that it
can disagree with the product.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from local.demo.orders import Purchase

SPARE_CENTS: Final = 500
"""What a customer with money enough keeps, so that a balance of zero can not pass for a wallet that never was."""
SCARCE_TITLES: Final = 3
"""In each Region."""
SCARCE_DEMAND: Final = 4
"""A title needs so many buyers in a Region before half of them can be sent away."""


class Way(StrEnum):
    """How an order reaches the entry API."""

    SYNCHRONOUS = "synchronous"
    COMMAND = "asynchronous command"


class Retry(StrEnum):
    """Where the same request is sent once more."""

    SAME_REGION = "same Region"
    OTHER_REGION = "other Region"


class Outcome(StrEnum):
    """How an order must end."""

    COMPLETED = "Completed"
    INSUFFICIENT_FUNDS = "InsufficientFunds"
    WALLET_MISSING = "WalletMissing"
    WHOEVER_COMES_FIRST = "Completed or SoldOut"
    """Orders of a scarce title: who wins depends on arrival, how many win does not."""


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """One purchase of the file as a request."""

    purchase: Purchase
    customer_id: str
    home: str
    arrival: str
    """The Region that the request is sent to."""
    way: Way
    retries: tuple[Retry, ...]
    outcome: Outcome

    @property
    def key(self) -> str:
        """Return the idempotency key, which also names the order in every difference."""
        return self.purchase.idempotency_key


@dataclass(frozen=True, slots=True)
class PlannedCustomer:
    """A customer of the file with a home, a deposit and orders."""

    customer_id: str
    home: str
    deposit: int
    """Cents; zero means that no deposit is made, hence that there is no wallet."""
    deposit_region: str
    """The Region that the deposit is sent to."""
    deposit_retried: bool
    orders: tuple[PlannedOrder, ...]
    in_turn: bool
    """Each order waits for the end of the one before: whose money runs out must not depend on who is faster."""


@dataclass(frozen=True)
class Plan:
    """Everything that the demo sends, in order, and what must come of it."""

    regions: tuple[str, ...]
    customers: tuple[PlannedCustomer, ...]
    allotments: Mapping[tuple[str, str], int]
    """Units by (Region, SKU)."""
    scarce: frozenset[tuple[str, str]]

    @cached_property
    def orders(self) -> tuple[PlannedOrder, ...]:
        """Return all orders in the order of the file's days."""
        orders = (order for customer in self.customers for order in customer.orders)
        return tuple(sorted(orders, key=lambda order: (order.purchase.day, order.purchase.row)))

    @cached_property
    def prices(self) -> Mapping[str, int]:
        """Return the list price of each title in cents."""
        return {order.purchase.sku: order.purchase.cents for order in self.orders}

    @cached_property
    def demand(self) -> Mapping[tuple[str, str], int]:
        """Return how many orders ask for a title, by (Region, SKU)."""
        return Counter((order.home, order.purchase.sku) for order in self.orders)

    def other_region(self, region: str) -> str:
        """Return the Region after this one."""
        return _other(self.regions, region)


def points_for(cents: int) -> int:
    """Return the points of one completed purchase: one for each whole dollar."""
    return cents // 100


def make_plan(purchases: Sequence[Purchase], regions: Sequence[str]) -> Plan:
    """Decide for each customer the home and the money, for each title the units, for each order its way."""
    by_customer: dict[str, list[Purchase]] = {}
    for purchase in purchases:
        by_customer.setdefault(purchase.customer, []).append(purchase)

    homes = {name: regions[number % len(regions)] for number, name in enumerate(by_customer)}
    deposits = {name: _deposit(number, theirs) for number, (name, theirs) in enumerate(by_customer.items())}
    rich = {
        name for name, theirs in by_customer.items() if deposits[name] >= sum(p.cents for p in theirs) + SPARE_CENTS
    }

    scarce = _scarce_titles(purchases, homes, rich)
    demand = Counter((homes[purchase.customer], purchase.sku) for purchase in purchases)
    allotments = {title: units // 2 if title in scarce else units for title, units in demand.items()}

    position = {purchase.row: number for number, purchase in enumerate(purchases)}
    customers: list[PlannedCustomer] = []
    for number, (name, theirs) in enumerate(by_customer.items()):
        home, in_turn = homes[name], name not in rich and len(theirs) > 1
        orders = tuple(
            PlannedOrder(
                purchase=purchase,
                customer_id=f"{home}.c-{name}",
                home=home,
                arrival=home if in_turn else _arrival(position[purchase.row], home, regions),
                way=Way.SYNCHRONOUS if in_turn else _way(position[purchase.row]),
                retries=_retries(position[purchase.row]),
                outcome=Outcome.WHOEVER_COMES_FIRST if (home, purchase.sku) in scarce else outcome,
            )
            for purchase, outcome in zip(theirs, _outcomes(deposits[name], theirs), strict=True)
        )
        customers.append(
            PlannedCustomer(
                customer_id=f"{home}.c-{name}",
                home=home,
                deposit=deposits[name],
                deposit_region=_other(regions, home) if number % 11 == 5 else home,
                deposit_retried=number % 13 == 4,
                orders=orders,
                in_turn=in_turn,
            )
        )
    return Plan(regions=tuple(regions), customers=tuple(customers), allotments=allotments, scarce=scarce)


def _deposit(number: int, purchases: Sequence[Purchase]) -> int:
    """Return the customer's money: enough for all orders and something over, but for some too little or none at all.

    Too little is always one cent too little: for the second order, or for the only one. Strides are odd, or all these
    customers would live in the same Region.
    """
    total = sum(purchase.cents for purchase in purchases)
    free_of_charge = any(purchase.cents == 0 for purchase in purchases)
    if len(purchases) > 1 and number % 5 == 1 and not free_of_charge:
        return purchases[0].cents + purchases[1].cents - 1
    if len(purchases) == 1 and number % 61 == 7 and total > 1:
        return total - 1
    if len(purchases) == 1 and number % 97 == 11 and not free_of_charge:
        return 0
    return total + SPARE_CENTS


def _outcomes(deposit: int, purchases: Iterable[Purchase]) -> list[Outcome]:
    """Spend the deposit on one purchase after the other."""
    if deposit == 0:
        return [Outcome.WALLET_MISSING for _ in purchases]
    outcomes: list[Outcome] = []
    for purchase in purchases:
        affordable = purchase.cents <= deposit
        outcomes.append(Outcome.COMPLETED if affordable else Outcome.INSUFFICIENT_FUNDS)
        deposit -= purchase.cents if affordable else 0
    return outcomes


def _scarce_titles(
    purchases: Sequence[Purchase], homes: Mapping[str, str], rich: set[str]
) -> frozenset[tuple[str, str]]:
    """Return the titles, as (Region, SKU), that get half of the units asked for: the most wanted ones of each Region.

    Only titles whose buyers all have money enough: a buyer who is sent away for want of money gives a unit back, and
    whether that comes in time for another is a matter of luck. Free titles stay out for the same clarity.
    """
    buyers: dict[tuple[str, str], list[Purchase]] = {}
    for purchase in purchases:
        buyers.setdefault((homes[purchase.customer], purchase.sku), []).append(purchase)
    candidates = {
        title: len(theirs)
        for title, theirs in buyers.items()
        if len(theirs) >= SCARCE_DEMAND and all(p.cents > 0 and p.customer in rich for p in theirs)
    }
    ranked = sorted(candidates, key=lambda title: (-candidates[title], title))
    return frozenset(
        title
        for region in sorted(set(homes.values()))
        for title in [candidate for candidate in ranked if candidate[0] == region][:SCARCE_TITLES]
    )


def _arrival(position: int, home: str, regions: Sequence[str]) -> str:
    return _other(regions, home) if position % 10 == 3 else home


def _way(position: int) -> Way:
    """One order in eight; one of those in five also arrives in the other Region."""
    return Way.COMMAND if position % 8 == 5 or position % 40 == 3 else Way.SYNCHRONOUS


def _retries(position: int) -> tuple[Retry, ...]:
    same, other = position % 12 == 3, position % 18 == 5
    return (Retry.SAME_REGION,) * same + (Retry.OTHER_REGION,) * other


def _other(regions: Sequence[str], region: str) -> str:
    """Return the next Region, so that with three of them each is the other of one."""
    return regions[(regions.index(region) + 1) % len(regions)]
