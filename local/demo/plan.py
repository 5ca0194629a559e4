"""What the demo sends, and what must come of it: data only, and the same at every run.

The expected result is computed from the file and the plan alone, so that it can disagree with the product. Of the
product's code the demo uses only the type that holds an amount of money on the wire; it computes nothing by it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from local.demo.orders import Purchase

Title = tuple[str, str]
"""A Region and a SKU: each Region sells units of its own."""


class Way(StrEnum):
    """How an order reaches the entry API."""

    SYNCHRONOUS = "synchronous"
    COMMAND = "asynchronous command"


class Retry(StrEnum):
    """Where the same request is sent once more."""

    SAME_REGION = "same Region"
    OTHER_REGION = "other Region"


class ChangeOfMind(StrEnum):
    """When a customer calls an order off."""

    AT_ONCE = "at once"
    """The saga is under way: whether the order or the cancellation ends first is open."""
    TOO_LATE = "too late"
    """The purchase is complete: the customer is refused, and an operator refunds it."""


class Outcome(StrEnum):
    """How an order must end."""

    COMPLETED = "Completed"
    INSUFFICIENT_FUNDS = "InsufficientFunds"
    WALLET_MISSING = "WalletMissing"
    WHOEVER_COMES_FIRST = "Completed or SoldOut"
    """Orders of a scarce or a hot title: who wins depends on arrival, how many win does not."""
    SOLD_OUT = "SoldOut"
    """One of its titles has no unit: the order gets none of the others either."""
    CANCELLED_UNLESS_COMPLETED = "Cancelled or Completed"
    """Both are honest; the answer to the customer, the money, the units and the points must agree with it."""
    REFUNDED = "Refunded"


@dataclass(frozen=True, slots=True)
class Line:
    """So many units of a title."""

    sku: str
    cents: int
    """The list price of one unit."""
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """One order as a request."""

    key: str
    """The idempotency key."""
    name: str
    """What names the order in every difference."""
    purchases: tuple[Purchase, ...]
    """The rows of the file that it orders; none where it is for the hot item or takes stock."""
    lines: tuple[Line, ...]
    customer_id: str
    home: str
    arrival: str
    """The Region that the request is sent to."""
    outcome: Outcome
    way: Way = Way.SYNCHRONOUS
    retries: tuple[Retry, ...] = ()
    change_of_mind: ChangeOfMind | None = None
    changed_in: str = ""
    """The Region that the cancellation, and the operator's refund, are sent to."""
    takes_stock: bool = False
    """It buys what the others have left, or tries to buy one unit more."""

    @property
    def cents(self) -> int:
        """Return the total."""
        return sum(line.cents * line.quantity for line in self.lines)

    @property
    def units(self) -> Mapping[Title, int]:
        """Return how many units it asks for of each title."""
        return {(self.home, line.sku): line.quantity for line in self.lines}


@dataclass(frozen=True, slots=True)
class PlannedCustomer:
    """A customer of the file with a home, a deposit and orders."""

    customer_id: str
    home: str
    deposit: int
    """Cents; zero means that no deposit is made, hence that there is no wallet."""
    deposit_region: str
    """The Region that the deposit is sent to."""
    deposit_retried: bool = False
    orders: tuple[PlannedOrder, ...] = ()
    """Those of the file."""
    in_turn: bool = False
    """Each order waits for the end of the one before: whose money runs out must not depend on who is faster."""


@dataclass(frozen=True)
class Plan:
    """Everything that the demo sends, in order, and what must come of it."""

    regions: tuple[str, ...]
    customers: tuple[PlannedCustomer, ...]
    burst: tuple[PlannedOrder, ...]
    """Orders of the hot item, which come all at once."""
    allotments: Mapping[Title, int]
    """Units."""
    scarce: frozenset[Title]
    """These have fewer units than buyers; the hot one is one of them."""
    hot: frozenset[Title]

    @cached_property
    def orders(self) -> tuple[PlannedOrder, ...]:
        """Return the orders of the file in the order of its days."""
        orders = (order for customer in self.customers for order in customer.orders)
        return tuple(sorted(orders, key=lambda order: (order.purchases[0].day, order.purchases[0].row)))

    @cached_property
    def prices(self) -> Mapping[str, int]:
        """Return the list price of each title in cents."""
        return {line.sku: line.cents for order in (*self.orders, *self.burst) for line in order.lines}

    @cached_property
    def demand(self) -> Mapping[Title, int]:
        """Return how many units the orders ask for."""
        demand: Counter[Title] = Counter()
        for order in (*self.orders, *self.burst):
            demand.update(order.units)
        return demand


def points_for(cents: int) -> int:
    """Return the points of one completed purchase: one for each whole dollar of its total."""
    return cents // 100


def other_region(regions: tuple[str, ...], region: str) -> str:
    """Return the next Region, so that with three of them each is the other of one."""
    return regions[(regions.index(region) + 1) % len(regions)]
