"""Awarding: once for each purchase and rule, where the purchase originated, whatever comes in between."""

from __future__ import annotations

import pytest

from tests.workloads.conftest import HERE, THERE
from tests.workloads.loyalty.builders import CUSTOMER, Clock, entry, purchase
from tests.workloads.loyalty.memory import MemoryStreams
from workloads.contracts.envelope import CloudEvent, MalformedEventError
from workloads.loyalty.application.award_points import award_points
from workloads.loyalty.application.retrying import ATTEMPTS, ContentionError
from workloads.loyalty.domain.accounts import Entry
from workloads.loyalty.domain.rules import RULES, Rule


def award(
    event: CloudEvent, streams: MemoryStreams, *, region: str = HERE, rules: tuple[Rule, ...] = RULES
) -> list[Entry]:
    return award_points(event, region=region, rules=rules, streams=streams, clock=Clock(), pause=lambda _: None)


def test_a_purchase_is_awarded_at_the_end_of_its_regions_stream() -> None:
    streams = MemoryStreams()

    award(purchase(2933, order="o-1"), streams)
    [second] = award(purchase(150, order="o-2"), streams)

    assert (second.sequence, second.change.points, second.region) == (2, 1, HERE)


def test_a_purchase_that_is_reported_again_is_awarded_once() -> None:
    streams = MemoryStreams()

    award(purchase(), streams)

    assert award(purchase(), streams) == []
    assert len(streams.entries) == 1


def test_a_purchase_of_another_region_is_awarded_there() -> None:
    streams = MemoryStreams()

    assert award(purchase(region=THERE), streams) == []
    assert streams.entries == {}


def test_a_purchase_without_points_leaves_no_event() -> None:
    streams = MemoryStreams()

    assert award(purchase(99), streams) == []
    assert streams.entries == {}


def test_each_rule_that_applies_awards_once() -> None:
    streams = MemoryStreams()
    rules = (*RULES, Rule(id="over-twenty", minimum_whole_units=20, fixed_points=5))

    award(purchase(), streams)
    [added] = award(purchase(), streams, rules=rules)

    assert (added.change.rule, added.change.points, added.sequence) == ("over-twenty", 5, 2)


def test_who_loses_the_race_for_a_position_takes_the_next_one() -> None:
    streams = MemoryStreams()
    faster = [entry(1, order="o-a"), entry(1, order="o-b", head=entry(1, order="o-a"))]
    streams.before_append = lambda: streams.receive(faster.pop(0)) if faster else None

    [recorded] = award(purchase(), streams)

    assert recorded.sequence == 3


def test_endless_contention_ends_in_an_error_that_says_so() -> None:
    streams = MemoryStreams()
    tries: list[Entry] = []

    def another() -> None:
        tries.append(entry(1, order=f"o-x-{len(tries)}", head=streams.head(CUSTOMER, HERE)))
        streams.receive(tries[-1])

    streams.before_append = another

    with pytest.raises(ContentionError, match="award points-for-purchase for o-1"):
        award(purchase(), streams)
    assert len(tries) == ATTEMPTS


def test_an_event_of_another_type_is_refused() -> None:
    with pytest.raises(MalformedEventError, match="expected PurchaseCompleted"):
        award(entry().event, MemoryStreams())
