"""What was decided on a SKU's way of selling, its tokens or its pool holds only while it is so still."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.workloads.checkout.builders import BOOK, CD, allot, list_price, usd
from tests.workloads.checkout.cell import MemoryCells
from tests.workloads.conftest import HERE
from workloads.checkout.adapters import keys
from workloads.checkout.adapters.attributes import write_item
from workloads.checkout.application.changes import (
    AssignPool,
    Change,
    ChangeSelling,
    ClaimCount,
    FreePool,
    ReclaimToken,
    RetireSettledToken,
    ReturnToken,
    SettleToken,
    TakeToken,
)
from workloads.checkout.application.ports import ConcurrentWriteError
from workloads.checkout.domain import selling as sellings
from workloads.checkout.domain.allotment import Allotment, Movement, change_selling
from workloads.checkout.domain.selling import Selling, SellingMode
from workloads.checkout.domain.token import Token

UNITS = 20
HOT = Selling(mode=SellingMode.HOT, version=1, revision=4, generation=1, issued=5, open=5)
DRAINED = msgspec.structs.replace(HOT, mode=SellingMode.DRAINING, open=0)


def becomes_hot(allotment: Allotment) -> Movement:
    return change_selling(allotment, sellings.switch_to_hot(allotment.selling, version=1, pool=0))


def stays_plain(allotment: Allotment) -> Movement:
    return change_selling(allotment, sellings.switch_to_plain(allotment.selling, version=1))


def issues(allotment: Allotment) -> Movement:
    return change_selling(allotment, sellings.issue(allotment.selling, 3), freed=-3)


def frees(allotment: Allotment) -> Movement:
    return change_selling(allotment, sellings.close(allotment.selling, 2), freed=2)


def is_sold_out(allotment: Allotment) -> Movement:
    return change_selling(allotment, sellings.count(allotment.selling, 0))


def becomes_plain(allotment: Allotment) -> Movement:
    return change_selling(allotment, sellings.become_plain(allotment.selling))


# Each decision, with the free units and the way of selling on which it is made.
DECISIONS: dict[str, tuple[Callable[[Allotment], Movement], int, Selling]] = {
    "hot": (becomes_hot, UNITS, sellings.PLAIN),
    "still plain": (stays_plain, UNITS, sellings.PLAIN),
    "still plain and low": (stays_plain, 2, sellings.PLAIN),
    "still plain and sold out": (stays_plain, 0, sellings.PLAIN),
    "still plain and cut": (stays_plain, -3, sellings.PLAIN),
    "issued": (issues, 3, HOT),
    "freed": (frees, 0, HOT),
    "sold out": (is_sold_out, 0, HOT),
    "plain and ample": (becomes_plain, UNITS, DRAINED),
    "plain and low": (becomes_plain, 2, DRAINED),
    "plain and sold out": (becomes_plain, 0, DRAINED),
    "plain and cut": (becomes_plain, -3, DRAINED),
}
# Free units with which a decision is wrong.
TOO_MANY_OR_FEW = {
    "still plain": (2,),
    "still plain and low": (0, 3),
    "still plain and sold out": (1,),
    "still plain and cut": (1,),
    "issued": (2,),
    "sold out": (1,),
    "plain and ample": (2,),
    "plain and low": (0, 3),
    "plain and sold out": (1,),
    "plain and cut": (1,),
}
TOLD_BEFORE = pytest.mark.parametrize("told", [0, 4], ids=["nothing told", "levels told"])


class Cell:
    """A cell with one allotment, into which a test may put anything."""

    def __init__(self, free: int, selling: Selling, told: int = 0) -> None:
        self.cells = MemoryCells()
        self.here = self.cells.ports()
        list_price(self.here, price=usd(0))
        allot(self.here, units=UNITS)
        self.put(free=free)
        if told:
            self.put(availability=told)
        if selling.revision:
            fields = msgspec.structs.asdict(selling)
            self.put(**{f"selling_{name}": value for name, value in fields.items()})

    def put(self, **attributes: Any) -> None:
        self.cells.client(HERE).update_item(
            TableName=self.cells.table,
            Key=write_item(keys.allotment(CD, HERE)),
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
            ExpressionAttributeNames={f"#{name}": name for name in attributes},
            ExpressionAttributeValues=write_item({f":{name}": value for name, value in attributes.items()}),
        )

    def remove(self) -> None:
        self.cells.client(HERE).delete_item(TableName=self.cells.table, Key=write_item(keys.allotment(CD, HERE)))

    def allotment(self) -> Allotment:
        return self.here.store.allotments([CD], HERE)[CD]

    def refuses(self, change: Change) -> bool:
        before = self.cells.items()
        with pytest.raises(ConcurrentWriteError):
            self.here.store.commit([change])
        return self.cells.items() == before


@pytest.mark.parametrize("name", DECISIONS)
def test_a_decision_is_carried_out_once(name: str) -> None:
    decide, free, selling = DECISIONS[name]
    cell = Cell(free, selling)
    movement = decide(cell.allotment())

    cell.here.store.commit([ChangeSelling(movement)])

    assert cell.allotment() == movement.after
    assert cell.refuses(ChangeSelling(movement))


@TOLD_BEFORE
@pytest.mark.parametrize("name", DECISIONS)
def test_a_decision_on_an_allotment_that_somebody_has_changed_is_not_carried_out(name: str, told: int) -> None:
    decide, free, selling = DECISIONS[name]
    meanwhile: list[Callable[[Cell], None]] = [
        lambda cell: cell.put(selling_revision=selling.revision + 1),
        lambda cell: cell.put(availability=told + 1),
        lambda cell: cell.remove(),
    ]

    for change in meanwhile:
        cell = Cell(free, selling, told)
        movement = decide(cell.allotment())
        change(cell)
        assert cell.refuses(ChangeSelling(movement))


@TOLD_BEFORE
@pytest.mark.parametrize(
    ("name", "wrong"), [(name, free) for name, several in TOO_MANY_OR_FEW.items() for free in several]
)
def test_no_unit_is_issued_that_is_not_free_and_no_level_told_that_is_not_so(name: str, wrong: int, told: int) -> None:
    decide, free, selling = DECISIONS[name]
    cell = Cell(free, selling, told)
    movement = decide(cell.allotment())

    cell.put(free=wrong)

    assert cell.refuses(ChangeSelling(movement))


def test_the_right_to_count_is_had_of_an_allotment_that_there_is() -> None:
    cell = Cell(0, HOT)
    cell.remove()

    assert cell.refuses(ClaimCount(CD, HERE, at=2, unless_since=1))


TOKEN = Token(CD, 1, 0)
MINE, ANOTHERS = "o-mine", "o-anothers"
ENDS = (ReturnToken, ReclaimToken, SettleToken)


@pytest.mark.parametrize("end", ENDS)
def test_a_token_is_given_up_once_and_by_the_order_that_has_it_only(
    end: type[ReturnToken | ReclaimToken | SettleToken],
) -> None:
    cell = Cell(0, HOT)
    cell.here.store.commit([TakeToken(TOKEN, HERE, MINE)])
    assert cell.refuses(TakeToken(TOKEN, HERE, ANOTHERS))
    assert cell.refuses(end(TOKEN, HERE, ANOTHERS))
    assert cell.refuses(RetireSettledToken(TOKEN, HERE, MINE))

    cell.here.store.commit([end(TOKEN, HERE, MINE)])

    assert all(cell.refuses(again(TOKEN, HERE, MINE)) for again in ENDS)
    assert cell.refuses(RetireSettledToken(TOKEN, HERE, ANOTHERS))


def test_a_pool_is_one_skus_and_given_up_by_its_own_generation_only() -> None:
    cell = Cell(0, HOT)
    cell.here.store.commit([AssignPool(0, HERE, CD, 2)])
    assert cell.refuses(AssignPool(0, HERE, BOOK, 1))
    assert cell.refuses(FreePool(0, HERE, BOOK, 2))
    assert cell.refuses(FreePool(0, HERE, CD, 1))

    cell.here.store.commit([FreePool(0, HERE, CD, 2)])

    assert cell.refuses(FreePool(0, HERE, CD, 2))
    cell.here.store.commit([AssignPool(0, HERE, BOOK, 1)])
