"""One Region's cell under the event: the entry by slices of time, each order that got in as a process of its own."""

import random
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import simpy

from bench.capacity.limits import Limits
from bench.capacity.scenario import SLICE, Scenario
from bench.capacity.services import TABLE_BURST, DynamoTable, Rate
from bench.capacity.stock import Design, Reserved, Stock

_COME_TOGETHER: Final = 10
"""So many of those who are turned away in a slice draw one time to come back: it saves most of the drawing."""
_STEP_ATTEMPTS: Final = 6
"""The first and five retries (components/checkout_saga_states.py), with full jitter over 1, 2, 4, 8, 16 seconds."""


class Answer(StrEnum):
    """What a request is answered with."""

    PLACED = "201"
    HANDED_OVER = "202"
    SOLD_OUT = "409"
    TOO_MANY = "429"
    OVERLOADED = "503"


class End(StrEnum):
    """How an order ends."""

    COMPLETED = "completed"
    SOLD_OUT = "rejected: sold out"
    FAILED = "rejected: technical failure"


@dataclass
class Outcome:
    """What happened in one Region."""

    answers: Counter[Answer] = field(default_factory=Counter[Answer])
    throttled_by_gateway: int = 0
    ends: Counter[End] = field(default_factory=Counter[End])
    units: int = 0
    stock: int = 0
    timed_out: int = 0
    timed_out_after_push: int = 0
    sold_out_at: float | None = None
    pushed_at: float | None = None
    slowest: float = 0.0
    """Seconds from placing to the end, of the slowest order that ended."""
    deepest: int = 0
    """The most orders that waited in front of the saga."""
    conflicts: int = 0
    throttled_writes: int = 0
    most_in_flight: int = 0

    @property
    def requests(self) -> int:
        """Return how many requests were answered."""
        return sum(self.answers.values())

    @property
    def oversold(self) -> int:
        """Return how many units were sold that there were not."""
        return max(0, self.units - self.stock)


class Cell:
    """A Region."""

    def __init__(self, scenario: Scenario, limits: Limits, design: Design, seed: int) -> None:
        self._scenario = scenario
        self._limits = limits
        self._rng = random.Random(seed)  # noqa: S311 - a simulation needs repeatable randomness
        self._environment = simpy.Environment()
        self._table = DynamoTable(limits, self._rng)
        self._stock: Stock = design.stock(scenario, limits, self._table, self._rng)
        self._design = design
        self._gateway = Rate(limits.gateway_requests, limits.gateway_burst)
        self._greedy = Rate(
            scenario.greedy_customers * scenario.a_customers_rate,
            scenario.greedy_customers * scenario.a_customers_burst,
        )
        self._starts = Rate(limits.start_executions, limits.start_executions_burst)
        self._transitions = Rate(limits.state_transitions, limits.state_transitions)
        self._puts = Rate(limits.put_events, limits.put_events)
        self._invocations = Rate(limits.rule_invocations, limits.rule_invocations)
        self._reads = Rate(limits.table_read_units, limits.table_read_units * TABLE_BURST)
        self._served = 0
        """Requests that the entry's functions have served in this slice."""
        self._bound = int(limits.start_executions * scenario.queue_seconds)
        self._depths: deque[int] = deque(maxlen=max(1, round(scenario.flag_age / SLICE)))
        self._waiting: deque[float] = deque()
        """When each order was placed that waits in front of the saga."""
        self._started: dict[int, float] = {}
        self._number = 0
        self._environments = float(limits.provisioned_concurrency)
        self._retries: defaultdict[int, Counter[int]] = defaultdict(Counter)
        self.outcome = Outcome(stock=scenario.stock)

    def run(self) -> Outcome:
        """Simulate the whole event."""
        environment = self._environment
        environment.process(self._entry())
        environment.run(until=self._scenario.lasts + self._scenario.tail)
        outcome = self.outcome
        for placed_at in (*self._waiting, *self._started.values()):
            if environment.now - placed_at > self._scenario.order_bound:
                self._time_out(placed_at)
        outcome.conflicts = self._table.conflicts
        outcome.throttled_writes = self._table.throttled
        outcome.most_in_flight = self._stock.most_in_flight
        return outcome

    def _entry(self) -> Generator[simpy.Event, Any, None]:
        """Answer the requests of each slice."""
        scenario = self._scenario
        slices = round((scenario.lasts + scenario.tail) / SLICE)
        owed = 0.0
        for number in range(slices):
            now = self._environment.now
            if now < scenario.lasts:
                owed += SLICE * scenario.demand * min(1.0, (now + SLICE / 2) / scenario.ramp)
            new = int(owed)
            owed -= new
            self._start()
            self._depths.append(len(self._waiting))
            self.outcome.deepest = max(self.outcome.deepest, len(self._waiting))
            self._served = 0
            again = self._retries.pop(number, Counter[int]())
            again[0] += new
            for attempt in sorted(again):
                self._answer(number, attempt, again[attempt])
            yield self._environment.timeout(SLICE)

    def _answer(self, number: int, attempt: int, requests: int) -> None:
        """Answer requests that have been tried so often before: what each part of the entry lets through."""
        if requests == 0:
            return
        now = self._environment.now
        scenario, answers = self._scenario, self.outcome.answers
        passed = int(self._gateway.take(now, requests))
        self.outcome.throttled_by_gateway += requests - passed
        self._turn_away(number, attempt, requests - passed, Answer.TOO_MANY, after=1.0)
        served = self._served_by_functions(passed)
        served = int(self._reads.take(now, served * scenario.reads) / scenario.reads)
        self._turn_away(number, attempt, passed - served, Answer.OVERLOADED, after=1.0)
        greedy = self._part(served, scenario.greedy_share) if attempt == 0 else 0
        refused = greedy - int(self._greedy.take(now, greedy))
        # Programs come back by themselves: they are part of the demand.
        answers[Answer.TOO_MANY] += refused
        served -= refused
        sold_out = self._part(served, self._knowing_sold_out(now))
        answers[Answer.SOLD_OUT] += sold_out
        served -= sold_out
        overloaded = self._part(served, self._knowing_full()) if self._design.queued else 0
        # As honest as the program's: what waits, over what drains it.
        self._turn_away(
            number,
            attempt,
            overloaded,
            Answer.OVERLOADED,
            after=max(1.0, len(self._waiting) / self._limits.start_executions),
        )
        self._place(number, attempt, served - overloaded)

    def _place(self, number: int, attempt: int, orders: int) -> None:
        scenario, answers = self._scenario, self.outcome.answers
        now = self._environment.now
        if not self._design.queued:
            for _ in range(orders):
                self._environment.process(self._taken_in_the_request())
            return
        for _ in range(orders):
            if self._table.begin(now, (), scenario.place_items, lasts=scenario.write) is not None:
                self._turn_away(number, attempt, 1, Answer.OVERLOADED, after=1.0)
                continue
            away = self._rng.random() < scenario.away_share
            answers[Answer.HANDED_OVER if away else Answer.PLACED] += 1
            if self._rng.random() < scenario.lost_answers:
                # The same key again: the same order, answered as at first.
                answers[Answer.HANDED_OVER if away else Answer.PLACED] += 1
            self._waiting.append(now)

    def _taken_in_the_request(self) -> Generator[simpy.Event, Any, None]:
        """Take a unit while the customer waits. Who fails does not come back."""
        match (yield from self._stock.reserve(self._environment)):
            case Reserved.YES:
                self.outcome.answers[Answer.PLACED] += 1
                self.outcome.units += 1
                self.outcome.ends[End.COMPLETED] += 1
            case Reserved.SOLD_OUT:
                self.outcome.answers[Answer.SOLD_OUT] += 1
            case Reserved.AGAIN:
                self.outcome.answers[Answer.OVERLOADED] += 1

    def _start(self) -> None:
        """Start the sagas that may start in this slice: as many as StartExecution takes, the oldest first.

        The starter's concurrency is bounded to what StartExecution takes, so that none is refused and comes back late.
        """
        now = self._environment.now
        while self._waiting and self._waiting[0] + self._scenario.publish <= now:
            if not self._starts.take_all(now, 1):
                break
            self._number += 1
            self._started[self._number] = self._waiting.popleft()
            self._environment.process(self._order(self._number))

    def _order(self, number: int) -> Generator[simpy.Event, Any, None]:
        """Take an order through the saga's steps to its end."""
        environment, scenario = self._environment, self._scenario
        reserved = yield from self._stepped(lambda: self._stock.reserve(environment))
        if self._stock.sold_out and self.outcome.sold_out_at is None:
            self.outcome.sold_out_at = environment.now
            environment.process(self._push())
        if reserved is not Reserved.YES:
            yield environment.timeout(self._published(2))
            self._end(number, End.SOLD_OUT if reserved is Reserved.SOLD_OUT else End.FAILED)
            return
        self.outcome.units += 1
        for items in (scenario.debit_items, scenario.complete_items):
            yield from self._stepped(lambda items=items: self._written(items))
        yield environment.timeout(self._published(scenario.events))
        self._end(number, End.COMPLETED)

    def _stepped(
        self, attempt: Callable[[], Generator[simpy.Event, Any, Reserved]]
    ) -> Generator[simpy.Event, Any, Reserved]:
        """Run a step as the state machine does, with its retries."""
        for tried in range(_STEP_ATTEMPTS):
            yield self._environment.timeout(
                self._scenario.step + self._transitions.wait(self._environment.now, self._scenario.transitions / 3)
            )
            result = yield from attempt()
            if result is not Reserved.AGAIN:
                return result
            yield self._environment.timeout(self._rng.uniform(0, 2.0**tried))
        return Reserved.AGAIN

    def _written(self, items: int) -> Generator[simpy.Event, Any, Reserved]:
        cancelled = self._table.begin(self._environment.now, (), items, lasts=self._scenario.write)
        yield self._environment.timeout(self._scenario.write)
        return Reserved.YES if cancelled is None else Reserved.AGAIN

    def _published(self, events: int) -> float:
        """Put an order's events onto the bus; return how long PutEvents and the rules' targets make them wait."""
        now = self._environment.now
        return max(self._puts.wait(now, events), self._invocations.wait(now, events * self._scenario.targets))

    def _push(self) -> Generator[simpy.Event, Any, None]:
        """Tell the entry: event, rule, queue, function, flag."""
        yield self._environment.timeout(self._scenario.publish + self._scenario.flag_write)
        self.outcome.pushed_at = self._environment.now

    def _end(self, number: int, end: End) -> None:
        placed_at = self._started.pop(number)
        outcome, took = self.outcome, self._environment.now - placed_at
        outcome.ends[end] += 1
        outcome.slowest = max(outcome.slowest, took)
        if took > self._scenario.order_bound:
            self._time_out(placed_at)

    def _time_out(self, placed_at: float) -> None:
        self.outcome.timed_out += 1
        if self.outcome.pushed_at is not None and placed_at >= self.outcome.pushed_at:
            self.outcome.timed_out_after_push += 1

    def _turn_away(self, number: int, attempt: int, requests: int, answer: Answer, *, after: float) -> None:
        """Answer, and let those who have patience come back."""
        self.outcome.answers[answer] += requests
        if attempt >= self._scenario.patience:
            return
        for first in range(0, requests, _COME_TOGETHER):
            back = number + max(1, round(self._rng.uniform(after, 1.5 * after) / SLICE))
            self._retries[back][attempt + 1] += min(_COME_TOGETHER, requests - first)

    def _served_by_functions(self, wanted: int) -> int:
        """Return how many requests of a slice the entry's functions serve, growing as Lambda lets them."""
        limits = self._limits
        each = min(limits.requests_an_environment, 1 / self._scenario.request) * SLICE
        needed = (self._served + wanted) / each
        grown = self._environments + limits.environments_a_function_in_ten_seconds / 10 * SLICE
        self._environments = max(self._environments, min(needed, grown, limits.lambda_concurrency))
        served = min(wanted, int(self._environments * each) - self._served)
        self._served += served
        return served

    def _knowing_sold_out(self, now: float) -> float:
        """Return the part of the functions that have read the flag since it was set."""
        pushed = self.outcome.pushed_at
        return 0.0 if pushed is None else min(1.0, (now - pushed) / self._scenario.flag_age)

    def _knowing_full(self) -> float:
        """Return the part of the functions that have last read a depth over the bound: each reads at its own time."""
        return sum(depth >= self._bound for depth in self._depths) / len(self._depths)

    def _part(self, whole: int, share: float) -> int:
        """Draw how many of a whole are of a share."""
        if share <= 0.0 or whole == 0:
            return 0
        if share >= 1.0:
            return whole
        if whole < 50:
            return sum(self._rng.random() < share for _ in range(whole))
        drawn = self._rng.gauss(whole * share, (whole * share * (1 - share)) ** 0.5)
        return min(whole, max(0, round(drawn)))
