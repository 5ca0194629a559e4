"""Decides what the demo does with the rows of the file: pure, by position alone, so the same at every run."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from local.demo.orders import SHA256, Purchase
from local.demo.plan import (
    ChangeOfMind,
    Line,
    Outcome,
    Plan,
    PlannedCustomer,
    PlannedOrder,
    Retry,
    Title,
    Way,
    other_region,
)

SPARE_CENTS: Final = 500
"""What a customer with money enough keeps, so that a balance of zero can not pass for a wallet that never was."""
SCARCE_TITLES: Final = 3
"""In each Region."""
SCARCE_DEMAND: Final = 4
"""A title needs so many buyers in a Region before half of them can be sent away."""
HOT_BUYERS: Final = 60
"""They order the hot item in a burst; there are units for two of three."""

Basket = tuple[Purchase, ...]
"""What a customer bought in one go: the rows of one order."""


@dataclass(frozen=True, slots=True)
class _Shopper:
    """A customer's baskets and money."""

    name: str
    number: int
    """The customer's place in the file, counted from 0."""
    home: str
    baskets: tuple[Basket, ...]
    deposit: int

    @property
    def customer_id(self) -> str:
        return f"{self.home}.c-{self.name}"

    @property
    def rich(self) -> bool:
        return self.deposit >= sum(map(_cents, self.baskets)) + SPARE_CENTS

    @property
    def in_turn(self) -> bool:
        return not self.rich and len(self.baskets) > 1


def make_plan(purchases: Sequence[Purchase], regions: Sequence[str]) -> Plan:
    """Decide for each customer the home and the money, for each title the units, for each order its way."""
    here = tuple(regions)
    shoppers = _shoppers(purchases, here)
    short = _short_titles(shoppers)
    scarce = _scarce_titles(shoppers, short)
    position = {purchase.row: number for number, purchase in enumerate(purchases)}
    hot_line = _hot_line(purchases)
    buyers = [shopper for shopper in shoppers if shopper.home == here[0] and shopper.rich][:HOT_BUYERS]
    burst = tuple(_hot_order(number, shopper, hot_line, here) for number, shopper in enumerate(buyers))
    hot = frozenset({(here[0], hot_line.sku)} if burst else ())

    customers: list[PlannedCustomer] = []
    for shopper in shoppers:
        outcomes = _outcomes(shopper, scarce, short)
        orders = tuple(
            _order(shopper, basket, outcome, position[basket[0].row], here)
            for basket, outcome in zip(shopper.baskets, outcomes, strict=True)
        )
        customers.append(
            PlannedCustomer(
                customer_id=shopper.customer_id,
                home=shopper.home,
                deposit=shopper.deposit + (hot_line.cents if shopper in buyers else 0),
                deposit_region=other_region(here, shopper.home) if shopper.number % 11 == 5 else shopper.home,
                deposit_retried=shopper.number % 13 == 4,
                orders=orders,
                in_turn=shopper.in_turn,
            )
        )
    plan = Plan(here, tuple(customers), burst, allotments={}, scarce=scarce | hot, hot=hot)
    return replace(plan, allotments={title: _units(plan, title, short) for title in plan.demand})


def _shoppers(purchases: Iterable[Purchase], regions: Sequence[str]) -> list[_Shopper]:
    by_customer: dict[str, list[Purchase]] = {}
    for purchase in purchases:
        by_customer.setdefault(purchase.customer, []).append(purchase)
    shoppers: list[_Shopper] = []
    for number, (name, theirs) in enumerate(by_customer.items()):
        baskets, home = _baskets(theirs), regions[number % len(regions)]
        shoppers.append(_Shopper(name, number, home, baskets, _deposit(number, baskets)))
    return shoppers


def _baskets(purchases: Iterable[Purchase]) -> tuple[Basket, ...]:
    """Put what was bought on one day into one basket. A title that was bought twice then is an order of its own."""
    baskets: list[Basket] = []
    for purchase in purchases:
        last = baskets[-1] if baskets else ()
        if last and last[0].day == purchase.day and purchase.sku not in {each.sku for each in last}:
            baskets[-1] = (*last, purchase)
        else:
            baskets.append((purchase,))
    return tuple(baskets)


def _deposit(number: int, baskets: Sequence[Basket]) -> int:
    """Return the customer's money: enough for all orders and something over, but for some too little or none at all.

    Too little is always one cent too little: for the second order, or for the only one. Strides are odd, or all these
    customers would live in the same Region.
    """
    total = sum(map(_cents, baskets))
    free_of_charge = any(_cents(basket) == 0 for basket in baskets)
    if len(baskets) > 1 and number % 5 == 1 and not free_of_charge:
        return _cents(baskets[0]) + _cents(baskets[1]) - 1
    if len(baskets) == 1 and number % 61 == 7 and total > 1:
        return total - 1
    if len(baskets) == 1 and number % 97 == 11 and not free_of_charge:
        return 0
    return total + SPARE_CENTS


def _outcomes(shopper: _Shopper, scarce: frozenset[Title], short: frozenset[Title]) -> list[Outcome]:
    """Spend the deposit on one basket after the other."""
    if shopper.deposit == 0:
        return [Outcome.WALLET_MISSING for _ in shopper.baskets]
    outcomes: list[Outcome] = []
    left = shopper.deposit
    for basket in shopper.baskets:
        titles = _titles(shopper, basket)
        affordable = _cents(basket) <= left
        left -= _cents(basket) if affordable else 0
        if titles & short:
            outcomes.append(Outcome.SOLD_OUT)
        elif titles & scarce:
            outcomes.append(Outcome.WHOEVER_COMES_FIRST)
        else:
            outcomes.append(Outcome.COMPLETED if affordable else Outcome.INSUFFICIENT_FUNDS)
    return outcomes


def _order(
    shopper: _Shopper, basket: Basket, outcome: Outcome, position: int, regions: tuple[str, ...]
) -> PlannedOrder:
    home = shopper.home
    arrival = home if shopper.in_turn else _arrival(position, home, regions)
    way = Way.SYNCHRONOUS if shopper.in_turn else _way(position)
    change = _change_of_mind(position) if shopper.rich and outcome is Outcome.COMPLETED else None
    if change is not None:
        way = Way.SYNCHRONOUS
        outcome = Outcome.REFUNDED if change is ChangeOfMind.TOO_LATE else Outcome.CANCELLED_UNLESS_COMPLETED
    rows = ", ".join(str(purchase.row) for purchase in basket)
    return PlannedOrder(
        key=basket[0].idempotency_key,
        name=f"row{'s' * (len(basket) > 1)} {rows} ({shopper.customer_id})",
        purchases=basket,
        lines=tuple(Line(purchase.sku, purchase.cents) for purchase in basket),
        customer_id=shopper.customer_id,
        home=home,
        arrival=arrival,
        outcome=outcome,
        way=way,
        retries=_retries(position),
        change_of_mind=change,
        changed_in=_changed_in(position, arrival, regions) if change else "",
    )


def _short_titles(shoppers: Iterable[_Shopper]) -> frozenset[Title]:
    """Return the titles that get no unit: in each Region one that stands in an order of several lines, and only there.

    The customers have money enough, so that it is the title alone that the order fails by.
    """
    shoppers = list(shoppers)
    wanted = Counter(title for each in shoppers for basket in each.baskets for title in _titles(each, basket))
    short: dict[str, Title] = {}
    for shopper in shoppers:
        for basket in shopper.baskets if shopper.rich else ():
            alone = sorted(title for title in _titles(shopper, basket) if wanted[title] == 1)
            if len(basket) > 1 and alone:
                short.setdefault(shopper.home, alone[0])
    return frozenset(short.values())


def _scarce_titles(shoppers: Sequence[_Shopper], short: frozenset[Title]) -> frozenset[Title]:
    """Return the titles that get half of the units asked for: the most wanted ones of each Region.

    Only titles whose buyers all have money enough: a buyer who is sent away for want of money gives a unit back, and
    whether that comes in time for another is a matter of luck. For the same clarity free titles stay out, and orders
    that could fail by another title too.
    """
    buyers: dict[Title, list[tuple[_Shopper, Basket]]] = {}
    for shopper in shoppers:
        for basket in shopper.baskets:
            for title in _titles(shopper, basket):
                buyers.setdefault(title, []).append((shopper, basket))
    candidates = {
        title: len(theirs)
        for title, theirs in buyers.items()
        if len(theirs) >= SCARCE_DEMAND
        and all(_cents(basket) > 0 and shopper.rich for shopper, basket in theirs)
        and not any(_titles(shopper, basket) & short for shopper, basket in theirs)
    }
    scarce: set[Title] = set()
    for title in sorted(candidates, key=lambda title: (-candidates[title], title)):
        beside = {other for shopper, basket in buyers[title] for other in _titles(shopper, basket)}
        if sum(region == title[0] for region, _ in scarce) < SCARCE_TITLES and not beside & scarce:
            scarce.add(title)
    return frozenset(scarce)


def _units(plan: Plan, title: Title, short: frozenset[Title]) -> int:
    asked_for = plan.demand[title]
    if title in short:
        return 0
    if title in plan.hot:
        return asked_for * 2 // 3
    if title in plan.scarce:
        return asked_for // 2
    # More than a tenth is left over: every title that ran low would tell so, which is the scarce ones' part.
    return asked_for + asked_for // 9 + 1


def _hot_line(purchases: Iterable[Purchase]) -> Line:
    """Return the hot item: an edition of its own of the title that the file has most often."""
    amounts = Counter(purchase.cents for purchase in purchases if purchase.cents > 0)
    cents = max(amounts, key=lambda cents: (amounts[cents], cents))
    return Line(f"cdnow-{cents}-hot", cents)


def _hot_order(number: int, shopper: _Shopper, line: Line, regions: tuple[str, ...]) -> PlannedOrder:
    return PlannedOrder(
        key=f"{SHA256}-hot-{shopper.baskets[0][0].row:05d}",
        name=f"hot order {number + 1} ({shopper.customer_id})",
        purchases=(),
        lines=(line,),
        customer_id=shopper.customer_id,
        home=shopper.home,
        arrival=_arrival(number, shopper.home, regions),
        outcome=Outcome.WHOEVER_COMES_FIRST,
    )


def _titles(shopper: _Shopper, basket: Basket) -> frozenset[Title]:
    return frozenset((shopper.home, purchase.sku) for purchase in basket)


def _cents(basket: Basket) -> int:
    return sum(purchase.cents for purchase in basket)


def _arrival(position: int, home: str, regions: tuple[str, ...]) -> str:
    return other_region(regions, home) if position % 10 == 3 else home


def _way(position: int) -> Way:
    """One order in eight; one of those in five also arrives in the other Region."""
    return Way.COMMAND if position % 8 == 5 or position % 40 == 3 else Way.SYNCHRONOUS


def _retries(position: int) -> tuple[Retry, ...]:
    same, other = position % 12 == 3, position % 18 == 5
    return (Retry.SAME_REGION,) * same + (Retry.OTHER_REGION,) * other


def _change_of_mind(position: int) -> ChangeOfMind | None:
    if position % 37 == 8:
        return ChangeOfMind.AT_ONCE
    return ChangeOfMind.TOO_LATE if position % 41 == 10 else None


def _changed_in(position: int, arrival: str, regions: tuple[str, ...]) -> str:
    return other_region(regions, arrival) if position % 3 == 1 else arrival
