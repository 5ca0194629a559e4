"""What a switch between counter and tokens decides, whatever the allotment looks like."""

from __future__ import annotations

import msgspec
import pytest

from workloads.checkout.domain.allotment import Allotment, StockLevel, put_back, take, tell
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.checkout.domain.selling import MAXIMUM_UNITS, PLAIN, Selling, SellingMode, switch_to_hot
from workloads.checkout.domain.switching import Pools, Switch, switch
from workloads.contracts.commands import RequestedSellingMode, SetSellingMode

REGION = "us-east-1"
HOT = Selling(mode=SellingMode.HOT, version=3, revision=7, generation=2, pool=1, issued=9, open=4, announced=9)
POOLS = Pools(2, {1: "cd"})


def an_allotment(selling: Selling = PLAIN, *, free: int = 0) -> Allotment:
    level = StockLevel.AMPLE if free else StockLevel.SOLD_OUT
    return Allotment(sku="cd", region=REGION, allotted=9, free=free, version=1, selling=selling, level=level)


def asked(mode: RequestedSellingMode, version: int) -> SetSellingMode:
    return SetSellingMode(sku="cd", mode=mode, version=version)


def test_what_is_hot_and_is_to_be_hot_stays_as_it_is_under_another_version() -> None:
    decided = switch(an_allotment(HOT), asked(RequestedSellingMode.HOT, 4), region=REGION, pools=POOLS)

    assert isinstance(decided, Switch)
    assert decided.assigned_pool is None
    assert decided.movement.after.selling == msgspec.structs.replace(HOT, version=4, revision=8)


def test_a_generation_that_is_hot_does_not_begin_again() -> None:
    assert switch_to_hot(HOT, version=4, pool=0) == msgspec.structs.replace(HOT, version=4, revision=8)


@pytest.mark.parametrize(
    ("selling", "mode"),
    [
        (HOT, RequestedSellingMode.HOT),
        (msgspec.structs.replace(HOT, mode=SellingMode.DRAINING), RequestedSellingMode.PLAIN),
        (msgspec.structs.replace(HOT, mode=SellingMode.PLAIN), RequestedSellingMode.PLAIN),
    ],
)
def test_a_switch_that_was_carried_out_before_changes_nothing(selling: Selling, mode: RequestedSellingMode) -> None:
    assert switch(an_allotment(selling), asked(mode, selling.version), region=REGION, pools=POOLS) is None


@pytest.mark.parametrize(("free", "refused"), [(MAXIMUM_UNITS, False), (MAXIMUM_UNITS + 1, True)])
def test_more_units_than_tokens_can_be_sent_for_stay_at_the_counter(free: int, *, refused: bool) -> None:
    decided = switch(an_allotment(free=free), asked(RequestedSellingMode.HOT, 1), region=REGION, pools=POOLS)

    assert isinstance(decided, Refusal) is refused
    if isinstance(decided, Refusal):
        assert decided.kind is RefusalKind.AMOUNT_TOO_LARGE
        assert str(free) in decided.detail


def test_of_what_is_sold_by_tokens_the_free_units_tell_no_level() -> None:
    moved = (take(an_allotment(HOT, free=2), 2), put_back(an_allotment(HOT), 2), tell(an_allotment(HOT, free=2)))

    assert [movement.tells for movement in moved] == [False, False, False]
    assert [take(an_allotment(free=2), 2).tells, put_back(an_allotment(), 2).tells] == [True, True]
