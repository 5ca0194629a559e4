"""Money, identifiers and time: small values that everything else relies on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workloads.contracts.clock import moment, timestamp
from workloads.contracts.identifiers import (
    MalformedCustomerIdError,
    deposit_id,
    event_id,
    order_id,
    region_of_birth,
    request_hash,
)
from workloads.contracts.money import MAXIMUM_MINOR_UNITS, AmountOutOfBoundsError, CurrencyMismatchError, Money

moments = st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC))
keys = st.text(alphabet="abc.:", min_size=1, max_size=5)


@given(st.integers(0, 10**14), st.integers(0, 10**14), st.integers(0, 9))
def test_sums_and_products_are_exact(left: int, right: int, quantity: int) -> None:
    assert Money(left, "USD").plus(Money(right, "USD")) == Money(left + right, "USD")
    assert Money(left, "USD").times(quantity) == Money(left * quantity, "USD")


def test_amounts_of_two_currencies_are_not_added() -> None:
    with pytest.raises(CurrencyMismatchError, match="USD and EUR"):
        Money(1, "USD").plus(Money(1, "EUR"))


def test_no_amount_leaves_its_bounds() -> None:
    with pytest.raises(AmountOutOfBoundsError):
        Money(MAXIMUM_MINOR_UNITS, "USD").plus(Money(1, "USD"))
    with pytest.raises(AmountOutOfBoundsError):
        Money(MAXIMUM_MINOR_UNITS, "USD").times(2)


@given(st.tuples(keys, keys), st.tuples(keys, keys))
def test_identifiers_differ_where_what_they_identify_differs(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (order_id(*one) == order_id(*other)) == (one == other)
    assert (deposit_id(*one) == deposit_id(*other)) == (one == other)
    assert (request_hash(*one) == request_hash(*other)) == (one == other)
    assert (event_id(*one, 1) == event_id(*other, 1)) == (one == other)


def test_identifiers_stay_the_same_for_ever() -> None:
    """A change here would turn every retry across a deployment into a second order."""
    assert order_id("us-east-1.c-1", "key-1") == "o-b21ec44124e8f7305159ef5dc7c2d96b37d9660a"


@pytest.mark.parametrize(
    ("customer_id", "region"), [("eu-west-1.c-7", "eu-west-1"), ("ap-northeast-1.a", "ap-northeast-1")]
)
def test_a_customers_id_carries_the_region_of_birth(customer_id: str, region: str) -> None:
    assert region_of_birth(customer_id) == region


@pytest.mark.parametrize("customer_id", ["", "c-7", "eu-west-1", "eu-west-1.", "EU-WEST-1.c", "eu-west-1.c_7", "a.b\n"])
def test_what_is_no_customers_id_is_refused(customer_id: str) -> None:
    with pytest.raises(MalformedCustomerIdError):
        region_of_birth(customer_id)


@given(moments, moments)
def test_the_order_of_timestamps_is_the_order_of_time(one: datetime, other: datetime) -> None:
    assert (timestamp(one) < timestamp(other)) == (one < other)
    assert moment(timestamp(one)) == one


def test_a_time_of_another_offset_is_read_as_utc() -> None:
    assert moment("2026-03-01T13:00:00+01:00") == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert timestamp(datetime(2026, 3, 1, 13, tzinfo=timezone(timedelta(hours=1)))) == "2026-03-01T12:00:00.000000Z"
    with pytest.raises(ValueError, match="no offset"):
        moment("2026-03-01T13:00:00")
