"""The simulation of capacity: its services limit as AWS says, and no design sells what is not there."""

from __future__ import annotations

import random
from dataclasses import fields, replace

import pytest

from bench.capacity.cell import Cell
from bench.capacity.limits import DEFAULTS, QUOTAS, REQUESTED, Limits
from bench.capacity.outcome import Answer, End, Outcome
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
    outcome = run(scenario=replace(SMALL, kills=0.2, deliveries_twice=0.2, lost_answers=0.2, message_hidden=2.0))

    assert outcome.units == outcome.stock
    assert outcome.ends[End.COMPLETED] == outcome.stock


def test_what_is_sold_out_takes_no_execution_and_what_is_held_takes_two_states() -> None:
    outcome = run(scenario=replace(SMALL, kills=0.0))

    assert outcome.ends[End.SOLD_OUT] > 0
    assert outcome.executions == outcome.ends[End.COMPLETED] == outcome.stock
    assert outcome.transitions == 2 * outcome.stock


def test_what_a_starter_could_not_decide_is_reserved_by_the_execution() -> None:
    scenario = replace(SMALL, stock=100_000, write=0.1)

    outcome = run(COUNTER, scenario, replace(SMALL_LIMITS, start_executions=2_000))

    assert outcome.conflicts > 0
    assert outcome.transitions > 2 * outcome.executions > 0


def test_what_is_left_of_a_late_batch_is_reserved_by_the_execution_and_waits_for_no_message() -> None:
    scenario = replace(SMALL, kills=0.0, batch_takes_units=0.02)

    outcome = run(scenario=scenario)

    assert outcome.transitions > 2 * outcome.executions > 0
    assert outcome.units == outcome.ends[End.COMPLETED] == outcome.stock
    assert outcome.timed_out == 0


def test_lambda_reads_a_queue_by_few_batches_at_first() -> None:
    limits = replace(SMALL_LIMITS, start_executions=2_000, start_executions_burst=2_000)
    few = run(limits=replace(limits, pollers_at_first=1, pollers_a_minute=1), scenario=replace(SMALL, tail=1.0))
    many = run(limits=replace(limits, pollers_at_first=100), scenario=replace(SMALL, tail=1.0))

    assert few.units <= SMALL.starts_of_a_starter * 1.5 * (SMALL.lasts + 1.0) < many.units


def test_more_starters_than_startexecution_bears_make_orders_late() -> None:
    as_set = run(scenario=replace(SMALL, kills=0.0, tail=80.0))
    too_many = run(
        scenario=replace(SMALL, kills=0.0, tail=80.0, starts_of_a_starter=1),
        limits=replace(SMALL_LIMITS, start_executions=20, start_executions_burst=20),
    )

    assert (as_set.refused_starts, as_set.timed_out) == (0, 0)
    assert too_many.refused_starts > 0
    assert too_many.timed_out > 0


def test_the_orders_in_a_killed_starters_hands_come_back_after_the_messages_time_out() -> None:
    scenario = replace(SMALL, kills=0.05, message_hidden=30.0, order_bound=25.0)

    outcome = run(scenario=scenario)

    assert outcome.timed_out > 0
    assert outcome.units == outcome.ends[End.COMPLETED] == outcome.stock


def test_the_queue_in_front_of_the_saga_is_bounded_but_for_what_functions_have_not_seen_yet() -> None:
    outcome = run(scenario=replace(SMALL, demand=1_500.0, stock=100_000))
    bound = SMALL_LIMITS.start_executions * SMALL.queue_seconds

    assert bound < outcome.deepest <= bound + 1_500 * (SMALL.flag_age + SMALL.publish)
    assert outcome.answers[Answer.OVERLOADED] > 0


def test_a_run_is_repeated_by_its_seed() -> None:
    assert run(seed=7) == run(seed=7)
