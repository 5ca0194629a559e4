"""What reservations say of the past, and when the stock is in order: judged without any store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workloads.checkout.builders import CD, CUSTOMER
from tests.workloads.conftest import HERE
from workloads.checkout.domain.allotment import Allotment
from workloads.checkout.domain.audit import (
    History,
    Moment,
    Share,
    judge_stock,
    ordinary_units,
    present_tokens,
    was_in_use,
)
from workloads.checkout.domain.reservation import Reservation, ReservationState
from workloads.checkout.domain.selling import Selling, SellingMode
from workloads.checkout.domain.token import HeldTokens
from workloads.contracts.clock import timestamp

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)

moments = st.floats(-7200, 7200)
lags = st.floats(0, 30)
skews = st.floats(-2.4, 2.4)


class Timeline(msgspec.Struct, frozen=True):
    """A reservation's life in seconds around the beginning of an audit, and how far its stamps are off."""

    held: float
    lasted: float | None
    reading: float
    """Until when the allotments are read."""
    lag: float
    end_lag: float
    skew: float
    end_skew: float

    @property
    def released(self) -> float | None:
        return None if self.lasted is None else self.held + max(self.lasted, self.end_lag)


timelines = st.builds(Timeline, moments, st.none() | st.floats(0, 7200), st.floats(0, 5), lags, lags, skews, skews)


@given(timelines)
def test_what_a_reservation_says_of_the_past_is_never_wrong(life: Timeline) -> None:
    def stamp(seconds: float) -> str:
        return timestamp(NOON + timedelta(seconds=seconds))

    held, released, reading = life.held, life.released, life.reading
    at = Moment(NOON, NOON + timedelta(seconds=reading))
    history = History(
        reservation=Reservation(
            order_id="o",
            customer_id=CUSTOMER,
            units={CD: 1},
            state=ReservationState.HELD if released is None else ReservationState.RELEASED,
        ),
        held_at=stamp(held - life.lag + life.skew),
        ended_at=None if released is None else stamp(released - life.end_lag + life.end_skew),
    )
    surely, possibly = was_in_use(history, at, placed_at=None)

    for read in (0.0, reading):
        truly = held <= read and (released is None or released > read)
        assert not surely or truly
        assert possibly or not truly
    if min(abs(held), abs(held if released is None else released)) > 60:
        assert surely == possibly


def test_what_the_first_release_wrote_counts_as_either_for_a_day_and_then_as_what_it_is() -> None:
    at = Moment(NOON, NOON)
    held, released = (
        History(reservation=Reservation(order_id="o", customer_id=CUSTOMER, units={CD: 1}, state=state))
        for state in (ReservationState.HELD, ReservationState.RELEASED)
    )
    recent, old = timestamp(NOON - timedelta(hours=23)), timestamp(NOON - timedelta(hours=25))

    assert was_in_use(held, at, placed_at=recent) == was_in_use(released, at, placed_at=recent) == (False, True)
    assert was_in_use(held, at, placed_at=old) == (True, True)
    assert was_in_use(released, at, placed_at=old) == (False, False)


@pytest.mark.parametrize(("open_tokens", "free", "found"), [(6, 3, False), (6, 2, True), (5, 3, True), (7, 2, False)])
def test_what_is_hot_is_judged_by_its_open_tokens(open_tokens: int, free: int, found: bool) -> None:  # noqa: FBT001
    """Of ten units one was sold before the SKU became hot; two of the tokens are with an order."""
    selling = Selling(mode=SellingMode.HOT, generation=2, issued=open_tokens, open=open_tokens)
    allotment = Allotment(sku=CD, region=HERE, allotted=10, free=free, version=1, selling=selling)
    reservation = Reservation(
        order_id="o",
        customer_id=CUSTOMER,
        units={CD: 1},
        tokens={CD: HeldTokens(2, (0, 1))},
        state=ReservationState.HELD,
    )
    shares = [
        {sku: Share(units, units) for sku, units in of(reservation, {CD: allotment}).items()}
        for of in (ordinary_units, present_tokens)
    ]

    assert bool(judge_stock([allotment], *shares)) is found
