"""Streams and balances: what merging, gaps and folding do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.workloads.conftest import HERE, THERE
from tests.workloads.loyalty.builders import CUSTOMER, START, entry
from workloads.contracts.envelope import MalformedEventError, decode, encode, envelop, open_as
from workloads.contracts.events import BalanceChanged, Source
from workloads.loyalty.domain.accounts import (
    Balance,
    Entry,
    OutOfSequenceError,
    balance_changed,
    contiguous,
    entry_of,
    fold,
    merge,
)

NONE = Balance(customer_id=CUSTOMER)


def stream(points: list[int], region: str = HERE, *, seconds: list[int] | None = None) -> list[Entry]:
    """Return a stream of awards, each recorded at its second."""
    entries: list[Entry] = []
    for number, (value, second) in enumerate(zip(points, seconds or range(len(points)), strict=False)):
        head = entries[-1] if entries else None
        moment = START + timedelta(seconds=second)
        entries.append(entry(value, order=f"o-{region}-{number}", region=region, head=head, now=moment))
    return entries


def test_an_entry_survives_being_written_and_read() -> None:
    written = entry(29)

    assert entry_of(decode(encode(written.event))) == written


def test_an_event_carries_no_personal_data_but_the_customers_id() -> None:
    event = entry(29).event

    assert bytes(event.data) == (
        b'{"customerId":"us-east-1.c-00042","purchaseId":"o-1","rule":"points-for-purchase","points":29,'
        b'"awardedAt":"2026-01-02T03:04:05.000000Z","sequence":1}'
    )
    assert event.subject == CUSTOMER


def test_an_award_names_the_purchase_that_caused_it() -> None:
    event = entry(order="o-9").event

    assert (event.causationid, event.correlationid) == ("e-o-9", "r-o-9")


def test_the_same_award_recorded_at_another_position_is_the_same_event() -> None:
    first = entry(order="o-1")
    again = entry(order="o-1", head=entry(order="o-0"), now=START + timedelta(hours=1))

    assert first.event.id == again.event.id


def test_awards_of_two_rules_or_purchases_are_different_events() -> None:
    assert entry(order="o-1").event.id != entry(order="o-2").event.id


def test_an_event_of_a_type_that_this_version_does_not_know_is_refused() -> None:
    unknown = envelop(
        BalanceChanged(customer_id=CUSTOMER, points=1, sequence=1),
        event_id="e",
        source=Source.LOYALTY,
        subject=CUSTOMER,
        time="2026-01-02T03:04:05Z",
        originregion=HERE,
        correlationid="c",
        causationid="c",
    )

    with pytest.raises(MalformedEventError, match="expected PointsAwarded"):
        entry_of(unknown)


def test_a_streams_time_never_runs_back_whatever_the_writers_clocks_say() -> None:
    head = entry(now=START)

    assert entry(order="o-2", head=head, now=START - timedelta(minutes=5)).order > head.order


def test_events_merge_by_time_then_region_then_sequence() -> None:
    here = stream([1, 2, 3], HERE, seconds=[0, 5, 5])
    there = stream([4, 5], THERE, seconds=[0, 9])

    assert [one.change.points for one in merge([here, there])] == [4, 1, 2, 3, 5]


def test_reading_stops_at_a_gap_because_replication_keeps_no_order() -> None:
    first, second, _, fourth = stream([1, 2, 3, 4])

    assert list(contiguous([second, fourth], after=1)) == [second]
    assert list(contiguous([second], after=0)) == []
    assert list(contiguous([first, second], after=0)) == [first, second]


def test_folding_out_of_sequence_is_refused() -> None:
    _, second = stream([1, 2])

    with pytest.raises(OutOfSequenceError, match="event 2 does not follow event 0"):
        fold(NONE, [second])


def test_a_balance_knows_its_points_its_positions_and_its_latest_event() -> None:
    here, there = stream([10, 20], seconds=[0, 7]), stream([5], THERE, seconds=[3])

    balance = fold(NONE, merge([here, there]))

    assert balance.points == 35
    assert balance.positions == {HERE: 2, THERE: 1}
    assert balance.version == 3
    assert balance.latest is not None
    assert balance.latest.event_id == here[1].event.id


def test_a_balance_told_twice_is_the_same_event() -> None:
    balance = fold(NONE, stream([10]))
    assert balance.latest is not None

    event = balance_changed(balance, balance.latest, region=HERE)

    assert event == balance_changed(balance, balance.latest, region=HERE)
    assert open_as(event, BalanceChanged) == BalanceChanged(customer_id=CUSTOMER, points=10, sequence=1)
    assert (event.causationid, event.originregion) == (entry(order=f"o-{HERE}-0").event.id, HERE)


points = st.lists(st.integers(1, 1000), max_size=6)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(here=points, there=points, chunks=st.lists(st.tuples(st.sampled_from([HERE, THERE]), st.integers(1, 3))))
def test_replay_from_the_beginning_equals_folding_as_the_events_came(
    here: list[int], there: list[int], chunks: list[tuple[str, int]]
) -> None:
    streams = {HERE: stream(here, HERE), THERE: stream(there, THERE)}
    live = NONE
    for region, size in chunks:
        live = fold(live, streams[region][live.position(region) :][:size])
    live = fold(live, [one for region, entries in streams.items() for one in entries[live.position(region) :]])

    replayed = fold(NONE, merge(streams.values()))

    assert live == replayed
    assert replayed.points == sum(here) + sum(there)
