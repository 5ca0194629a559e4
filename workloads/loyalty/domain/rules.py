"""The rules of the loyalty programme: data, not code. A rule says which purchases it is for and what they earn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec

from workloads.contracts.events import PurchaseCompleted
from workloads.contracts.identifiers import END
from workloads.loyalty.domain.currencies import whole_units


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. Its id is part of every award's identity: a changed rule is a new rule with a new id."""

    id: Annotated[str, msgspec.Meta(pattern="^[a-z0-9-]{1,64}" + END)]
    currencies: frozenset[str] = frozenset()
    """The purchase's currency must be one of these; empty means any."""
    minimum_whole_units: Annotated[int, msgspec.Meta(ge=0)] = 0
    """The purchase's total must reach this many whole units of its currency."""
    points_per_whole_unit: Annotated[int, msgspec.Meta(ge=0)] = 0
    fixed_points: Annotated[int, msgspec.Meta(ge=0)] = 0


class Award(msgspec.Struct, frozen=True, kw_only=True):
    """The points that one rule gives for one purchase: at most once, however often the purchase is reported."""

    customer_id: str
    purchase_id: str
    rule: str
    points: int


RULES: Final[tuple[Rule, ...]] = (Rule(id="points-for-purchase", points_per_whole_unit=1),)
"""The programme as it stands."""


def awards_for(purchase: PurchaseCompleted, rules: Iterable[Rule]) -> list[Award]:
    """Return what the rules give for a purchase; a rule that gives no points gives no award."""
    return [
        Award(customer_id=purchase.customer_id, purchase_id=purchase.order_id, rule=rule.id, points=points)
        for rule in rules
        if (points := _points(purchase, rule)) > 0
    ]


def _points(purchase: PurchaseCompleted, rule: Rule) -> int:
    units = whole_units(purchase.total)
    if rule.currencies and purchase.total.currency not in rule.currencies:
        return 0
    if units < rule.minimum_whole_units:
        return 0
    return rule.fixed_points + rule.points_per_whole_unit * units
