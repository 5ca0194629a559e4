"""The simulation of capacity: its services limit as AWS says, and no design sells what is not there."""

from __future__ import annotations

import random
from dataclasses import fields, replace

import pytest

from bench.capacity.cell import Answer, Cell, End, Outcome
from bench.capacity.limits import DEFAULTS, QUOTAS, REQUESTED, Limits
from bench.capacity.scenario import Scenario
from bench.capacity.services import Cancelled, DynamoTable, HotItem, Partition, Rate, TokenQueue
from bench.capacity.stock import Design, Kind

SMALL = Scenario(demand=400.0, ramp=0.5, lasts=6.0, stock=300, tail=50.0, visibility=2.0)
SMALL_LIMITS = replace(REQUESTED, start_executions=100, start_executions_burst=100, provisioned_concurrency=100)
TOKENS = Design("tokens", Kind.TOKENS)
SHARDS = Design("shards", Kind.SHARDS)
COUNTER = Design("counter", Kind.COUNTER)


def run(design: Design = TOKENS, scenario: Scenario = SMALL, limits: Limits = SMALL_LIMITS, seed: int = 1) -> Outcome:
    return Cell(scenario, limits, design, seed).run()


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - a simulation needs repeatable randomness


def table(limits: Limits = REQUESTED) -> DynamoTable:
    return DynamoTable(limits, seeded(1))


def test_every_limit_is_explained_with_its_source() -> None:
    assert {quota.name for quota in QUOTAS} == {field.name for field in fields(Limits)}
    assert all(quota.source.startswith("https://docs.aws.amazon.com/") for quota in QUOTAS)


def test_what_no_request_changes_is_not_requested() -> None:
    fixed = [quota.name for quota in QUOTAS if not quota.adjustable]
    assert {name: getattr(REQUESTED, name) for name in fixed} == {name: getattr(DEFAULTS, name) for name in fixed}


@pytest.mark.parametrize(("units", "writes_a_second"), [(1, 1_000), (2, 500), (4, 250)])
def test_a_partition_serves_a_thousand_write_units_in_a_second_and_throttles_the_rest(
    units: int, writes_a_second: int
) -> None:
    partition = Partition(1_000)
    served = [partition.write(second + tick / 10_000, units) for second in range(3) for tick in range(10_000)]

    for second in range(3):
        assert sum(served[second * 10_000 : (second + 1) * 10_000]) == pytest.approx(writes_a_second, abs=10 / units)
    assert partition.throttled == 30_000 - sum(served)


def test_a_bucket_grants_its_burst_at_once_and_its_rate_from_then_on() -> None:
    bucket = Rate(300, 1_300)

    assert bucket.take(0.0, 5_000) == 1_300
    assert bucket.take(0.0, 1) == 0
    assert bucket.take(1.0, 5_000) == pytest.approx(300)
    assert bucket.take(100.0, 5_000) == 1_300


def test_who_waits_for_a_bucket_is_served_in_turn_at_its_rate() -> None:
    bucket = Rate(10, 1)

    assert [bucket.wait(0.0) for _ in range(4)] == pytest.approx([0.0, 0.1, 0.2, 0.3])


def test_of_transactions_on_one_item_one_at_a_time_succeeds_and_the_others_have_spent_their_units() -> None:
    store = table(replace(REQUESTED, table_write_units=100))
    counter = (HotItem("counter"),)

    assert store.begin(1.0, counter, 0, lasts=0.01) is None
    assert store.begin(1.005, counter, 0, lasts=0.01) is Cancelled.CONFLICT
    assert store.begin(1.02, counter, 0, lasts=0.01) is None
    # Of 100 a second, ten units were there at once and two came since: three transactions of two have left six.
    assert store.begin(1.02, (), 4, lasts=0.01) is Cancelled.THROTTLED
    assert store.begin(1.02, (), 3, lasts=0.01) is None


def test_transactions_on_different_tokens_do_not_meet() -> None:
    store = table()

    assert [store.begin(1.0, (HotItem(f"tokens-{n}", str(n)),), 3, lasts=0.01) for n in range(64)] == [None] * 64


def test_a_message_in_flight_is_hidden_and_comes_back_unless_it_was_deleted() -> None:
    queue = TokenQueue(REQUESTED, 2, visibility=5.0, twice=0.0, rng=seeded(1))

    def received(now: float) -> set[int]:
        found = {queue.receive(now) for _ in range(200)}
        return {token for token in found if token is not None}

    assert received(0.0) == {0, 1}
    assert received(4.9) == set()
    queue.delete(0)
    assert received(5.1) == {1}


def test_no_more_messages_are_in_flight_than_the_quota_allows() -> None:
    queue = TokenQueue(replace(REQUESTED, in_flight_messages=3), 100, visibility=5.0, twice=0.0, rng=seeded(1))

    assert sum(queue.receive(0.0) is not None for _ in range(100)) == 3


@pytest.mark.parametrize("seed", range(4))
def test_tokens_sell_every_unit_once_and_nobody_is_late(seed: int) -> None:
    outcome = run(seed=seed)

    assert (outcome.units, outcome.oversold, outcome.timed_out, outcome.conflicts) == (300, 0, 0, 0)
    assert outcome.pushed_at is not None
    assert outcome.answers[Answer.SOLD_OUT] > 0


@pytest.mark.parametrize("design", [SHARDS, COUNTER, Design("at once", Kind.COUNTER, queued=False)])
def test_no_design_sells_what_is_not_there(design: Design) -> None:
    outcome = run(design, limits=replace(SMALL_LIMITS, start_executions=2_000))

    assert outcome.units <= outcome.stock
    assert outcome.oversold == 0


def test_one_counter_sells_no_more_than_one_transaction_at_a_time() -> None:
    outcome = run(Design("at once", Kind.COUNTER, queued=False), replace(SMALL, demand=1_500.0, stock=100_000))

    assert outcome.units <= (SMALL.lasts + 3) / SMALL.write
    assert outcome.conflicts > 0


def test_killed_workers_and_messages_delivered_twice_lose_and_double_nothing() -> None:
    outcome = run(scenario=replace(SMALL, kills=0.2, deliveries_twice=0.2, lost_answers=0.2))

    assert outcome.units == outcome.stock
    assert outcome.ends[End.COMPLETED] == outcome.stock


def test_the_queue_in_front_of_the_saga_is_bounded_but_for_what_functions_have_not_seen_yet() -> None:
    outcome = run(scenario=replace(SMALL, demand=1_500.0, stock=100_000))
    bound = SMALL_LIMITS.start_executions * SMALL.queue_seconds

    assert bound < outcome.deepest <= bound + 1_500 * (SMALL.flag_age + SMALL.publish)
    assert outcome.answers[Answer.OVERLOADED] > 0


def test_a_run_is_repeated_by_its_seed() -> None:
    assert run(seed=7) == run(seed=7)
