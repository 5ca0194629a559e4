"""What an allotment tells of its level: sold out, back, low, recovered; each once, in the order of what happened."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.checkout.domain.allotment import (
    Allotment,
    Movement,
    StockLevel,
    idle_beside_low,
    level_of,
    level_told,
    no_allotment,
    put_back,
    set_allotment,
    take,
    tell,
)
from workloads.checkout.domain.refusal import Refusal
from workloads.checkout.domain.selling import PLENTY, Selling, SellingMode
from workloads.contracts.commands import SetAllotment
from workloads.contracts.events import BackInStock, SoldOut, StockRanLow, StockRecovered

REGION = "us-east-1"


def an_allotment(*, units: int, free: int) -> Allotment:
    """Return an allotment that has told its level."""
    level = level_of(free, units)
    return Allotment(
        sku="cd", region=REGION, allotted=units, free=free, version=1, level=level, availability=int(level != "Ample")
    )


def set_to(allotment: Allotment | None, units: int) -> Movement:
    command = SetAllotment(sku="cd", units=units, version=(allotment.version if allotment else 0) + 1)
    decided = set_allotment(allotment, command, region=REGION)
    assert isinstance(decided, Movement)
    return decided


@pytest.mark.parametrize(
    ("free", "units", "level"),
    [(0, 5, "SoldOut"), (-3, 5, "SoldOut"), (1, 9, "Ample"), (1, 10, "Low"), (2, 10, "Ample"), (5, 50, "Low")],
)
def test_a_tenth_is_low_and_nothing_is_sold_out(free: int, units: int, level: str) -> None:
    assert level_of(free, units) == level


def test_taking_the_last_units_tells_that_they_are_sold_out() -> None:
    movement = take(an_allotment(units=5, free=2), 2)

    assert movement.after.free == 0
    assert level_told(movement) == SoldOut(sku="cd", region=REGION, sequence=1)


def test_taking_units_while_others_are_left_tells_nothing() -> None:
    assert level_told(take(an_allotment(units=5, free=2), 1)) is None


def test_what_comes_back_into_an_empty_allotment_is_told() -> None:
    told = level_told(put_back(an_allotment(units=5, free=0), 1))

    assert told == BackInStock(sku="cd", region=REGION, sequence=2)


def test_what_comes_back_into_an_overdrawn_allotment_is_not_for_sale() -> None:
    assert level_told(put_back(an_allotment(units=5, free=-2), 2)) is None


def test_running_low_and_recovering_is_told() -> None:
    low = take(an_allotment(units=50, free=6), 1)

    assert level_told(low) == StockRanLow(sku="cd", region=REGION, sequence=1)
    assert level_told(put_back(low.after, 1)) == StockRecovered(sku="cd", region=REGION, sequence=2)


def test_an_allotment_of_nothing_is_sold_out_from_the_start() -> None:
    assert level_told(set_to(None, 0)) == SoldOut(sku="cd", region=REGION, sequence=1)
    assert level_told(set_to(None, 7)) is None


def test_what_the_system_of_record_gives_leaves_alone_what_was_transferred() -> None:
    received = msgspec.structs.replace(an_allotment(units=5, free=5), transferred=3, free=8)

    after = set_to(received, 6).after

    assert (after.allotted, after.transferred, after.units, after.free) == (6, 3, 9, 9)


def test_a_level_that_changed_untold_is_told_by_the_next_movement() -> None:
    """The first release moves `free` and tells nothing."""
    emptied_untold = msgspec.structs.replace(an_allotment(units=5, free=5), free=0)
    assert level_told(tell(emptied_untold)) == SoldOut(sku="cd", region=REGION, sequence=1)

    refilled_untold = msgspec.structs.replace(an_allotment(units=5, free=0), free=3)
    assert level_told(take(refilled_untold, 1)) == BackInStock(sku="cd", region=REGION, sequence=2)
    assert level_told(take(refilled_untold, 3)) is None


movements = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.integers(1, 30)),
        st.tuples(st.just("put back"), st.integers(1, 30)),
        st.tuples(st.just("set"), st.integers(0, 60)),
        st.tuples(st.just("untold"), st.integers(-20, 20)),
    ),
    max_size=40,
)


@given(movements)
def test_the_levels_told_add_up_to_the_level_that_is(history: list[tuple[str, int]]) -> None:
    allotment = no_allotment("cd", REGION)
    told: list[object] = []
    for kind, units in history:
        if kind == "untold":
            allotment = msgspec.structs.replace(allotment, free=allotment.free + units)
            continue
        if kind == "take" and allotment.free < units:
            movement = tell(allotment)
        elif kind == "set":
            movement = set_to(allotment, units)
        else:
            movement = take(allotment, units) if kind == "take" else put_back(allotment, units)
        allotment = movement.after
        if (event := level_told(movement)) is not None:
            told.append(event)
            assert event.sequence == len(told)

        assert allotment.level is level_of(allotment.free, allotment.units)
        assert allotment.availability == len(told)
        kinds = [type(event).__name__ for event in told if isinstance(event, SoldOut | BackInStock)]
        assert kinds == ["SoldOut", "BackInStock"] * (len(kinds) // 2) + ["SoldOut"] * (len(kinds) % 2)
        assert (allotment.level is StockLevel.SOLD_OUT) == (len(kinds) % 2 == 1)


def test_a_version_that_does_not_follow_is_refused() -> None:
    current = an_allotment(units=5, free=5)

    assert isinstance(set_allotment(current, SetAllotment(sku="cd", units=9, version=1), region=REGION), Refusal)


@pytest.mark.parametrize(("free", "idle"), [(500, True), (499, False)])
def test_half_of_the_units_are_idle_beside_low_stock(free: int, idle: bool) -> None:  # noqa: FBT001
    allotment = an_allotment(units=1000, free=free)

    assert idle_beside_low([allotment, an_allotment(units=100, free=1)]) == [allotment] * idle
    assert idle_beside_low([allotment, an_allotment(units=100, free=100)]) == []


@pytest.mark.parametrize(("remaining", "idle"), [(PLENTY, True), (PLENTY - 1, False)])
@pytest.mark.parametrize("mode", [SellingMode.HOT, SellingMode.DRAINING])
def test_what_is_hot_is_idle_where_more_tokens_are_left_than_are_counted(
    mode: SellingMode,
    remaining: int,
    idle: bool,  # noqa: FBT001
) -> None:
    selling = Selling(mode=mode, generation=1, issued=1000, open=1000, remaining=remaining)
    hot = Allotment(sku="cd", region=REGION, allotted=1000, free=0, version=1, selling=selling)

    assert idle_beside_low([hot, an_allotment(units=100, free=1)]) == [hot] * idle


def test_the_same_version_of_the_same_allotment_changes_nothing() -> None:
    current = an_allotment(units=5, free=3)

    again = set_allotment(current, SetAllotment(sku="cd", units=5, version=1), region=REGION)

    assert again == Movement(current, current)
