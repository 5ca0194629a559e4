"""Taking stock through the entry APIs, which show no stock: somebody buys, in each Region, exactly what must be left.

Can all of it be bought, then no unit is lost or still held; can no unit more be bought, then none came back twice.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from local.demo.orders import SHA256
from local.demo.plan import Line, Outcome, Plan, PlannedCustomer, PlannedOrder, Title, Way
from local.demo.planning import SPARE_CENTS
from local.demo.records import CANCELLED, OrderRecord, units_of

LINES: Final = 20
"""The most that an order may have (entry API)."""


def stock_takers(plan: Plan, records: Sequence[OrderRecord]) -> tuple[PlannedCustomer, ...]:
    """Return one customer for each Region, who has the money for everything that is left there."""
    sold = units_of(record for record in records if record.completed)
    takers: list[PlannedCustomer] = []
    for region in plan.regions:
        left = [
            Line(sku, plan.prices[sku], units - sold[place, sku])
            for (place, sku), units in plan.allotments.items()
            if place == region and units > sold[place, sku]
        ]
        more = [Line(sku, plan.prices[sku]) for _, sku in _one_more(plan, records, region)]
        # One laptop may see several parts of the file, each with somebody of its own who takes stock.
        customer_id = f"{region}.c-stock-{plan.orders[0].purchases[0].row}"
        orders = [
            _order(customer_id, region, f"{kind}-{number}", lines, outcome)
            for kind, outcome, baskets in (
                ("rest", Outcome.COMPLETED, _baskets(left)),
                ("more", Outcome.SOLD_OUT, [(line,) for line in more]),
            )
            for number, lines in enumerate(baskets)
        ]
        cents = sum(order.cents for order in orders if order.outcome is Outcome.COMPLETED)
        takers.append(
            PlannedCustomer(customer_id, region, cents + SPARE_CENTS, deposit_region=region, orders=tuple(orders))
        )
    return tuple(takers)


def _one_more(plan: Plan, records: Iterable[OrderRecord], region: str) -> Iterator[Title]:
    """Choose of what to try one unit more: a hot title, one that was refunded and one that was called off."""
    yield from sorted(title for title in plan.hot if title[0] == region)
    here = [record for record in records if record.order.home == region]
    for kind in ([r for r in here if r.refunded], [r for r in here if r.outcome == CANCELLED]):
        yield from [title for record in kind for title in record.order.units][:1]


def _baskets(lines: Sequence[Line]) -> list[tuple[Line, ...]]:
    """Put the lines into as few orders as there may be."""
    return [tuple(lines[begun : begun + LINES]) for begun in range(0, len(lines), LINES)]


def _order(customer_id: str, region: str, name: str, lines: tuple[Line, ...], outcome: Outcome) -> PlannedOrder:
    """Order by command: those are decided by the stock itself, never by what the entry knows of it."""
    return PlannedOrder(
        key=f"{SHA256}-{name}",
        name=f"stock-taking {name} ({customer_id})",
        purchases=(),
        lines=lines,
        customer_id=customer_id,
        home=region,
        arrival=region,
        outcome=outcome,
        way=Way.COMMAND,
        takes_stock=True,
    )
