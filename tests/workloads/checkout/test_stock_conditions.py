"""What was decided on a SKU's stock holds only while it is so still: its level, its way of selling, its version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tests.workloads.checkout.builders import CD
from tests.workloads.checkout.hot_items.test_hot_item_conditions import HOT, TOLD_BEFORE, UNITS, Cell
from tests.workloads.conftest import HERE
from workloads.checkout.application.changes import Change, MoveStock, SetAllotted
from workloads.checkout.domain.allotment import Allotment, Movement, put_back, set_allotment, take
from workloads.checkout.domain.selling import PLAIN, Selling
from workloads.contracts.commands import SetAllotment

Decide = Callable[[Allotment], Change]


class Case(NamedTuple):
    """A decision, and what it is made on."""

    selling: Selling
    decide: Decide
    free: int
    wrong: tuple[int, ...]

    def cell(self, told: int) -> Cell:
        return Cell(self.free, self.selling, told)


def moving(move: Callable[[Allotment, int], Movement], units: int) -> Decide:
    return lambda allotment: MoveStock(move(allotment, units))


def allotting(units: int) -> Decide:
    def decide(allotment: Allotment) -> Change:
        movement = set_allotment(allotment, SetAllotment(sku=CD, units=units, version=2), region=HERE)
        assert isinstance(movement, Movement)
        return SetAllotted(movement)

    return decide


# Each decision, with the free units on which it is made, and free units with which it is wrong.
OF_A_COUNTER: dict[str, tuple[Decide, int, tuple[int, ...]]] = {
    "taken": (moving(take, 3), UNITS, (4,)),
    "taken to the last few": (moving(take, 3), 4, (3, 19)),
    "taken to the last": (moving(take, 4), 4, (3, 5)),
    "put back among many": (moving(put_back, 3), 10, (-2,)),
    "put back to a few": (moving(put_back, 1), 0, (-1, 19)),
    "put back to too few": (moving(put_back, 1), -3, (0,)),
    "allotted more": (allotting(UNITS + 5), UNITS, (-4,)),
    "allotted so that a few are left": (allotting(UNITS - 2), 3, (2, 5)),
    "allotted a few": (allotting(1), UNITS, (19,)),
    "allotted none": (allotting(0), UNITS, (21,)),
    "allotted less than was sold": (allotting(0), 4, (21,)),
}
OF_TOKENS: dict[str, tuple[Decide, int, tuple[int, ...]]] = {
    "taken": (moving(take, 3), 5, (2,)),
    "put back": (moving(put_back, 3), 0, ()),
    "allotted more": (allotting(UNITS + 5), 0, ()),
    "allotted less": (allotting(UNITS - 5), 10, (4,)),
}
IN_EACH_CASE = pytest.mark.parametrize(
    "case",
    [
        pytest.param(Case(selling, *case), id=f"{kind} {name}")
        for kind, selling, cases in (("counter", PLAIN, OF_A_COUNTER), ("tokens", HOT, OF_TOKENS))
        for name, case in cases.items()
    ],
)


@TOLD_BEFORE
@IN_EACH_CASE
def test_a_decision_on_stock_that_somebody_has_changed_is_not_carried_out(case: Case, told: int) -> None:
    others: list[dict[str, Any]] = [
        {"availability": told + 1},
        {"selling_mode": "Draining"},
        *({"free": units} for units in case.wrong),
    ]
    if isinstance(case.decide(case.cell(told).allotment()), SetAllotted):
        others.append({"version": 7})

    for other in others:
        cell = case.cell(told)
        change = case.decide(cell.allotment())
        cell.put(**other)
        assert cell.refuses(change), other


@TOLD_BEFORE
@IN_EACH_CASE
def test_stock_that_is_gone_is_not_made_again(case: Case, told: int) -> None:
    cell = case.cell(told)
    change = case.decide(cell.allotment())
    cell.remove()

    assert cell.refuses(change)


@TOLD_BEFORE
@IN_EACH_CASE
def test_a_decision_on_stock_that_is_as_it_was_is_carried_out(case: Case, told: int) -> None:
    cell = case.cell(told)
    change = case.decide(cell.allotment())
    assert isinstance(change, MoveStock | SetAllotted)

    cell.here.store.commit([change])

    assert cell.allotment() == change.movement.after
