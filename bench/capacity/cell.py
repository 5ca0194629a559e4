"""One Region's cell under the event: its entry, by slices of time."""

import random
from collections import Counter, defaultdict, deque
from collections.abc import Generator
from typing import Any, Final

import simpy

from bench.capacity.checkouts import Checkouts, Order, starters
from bench.capacity.limits import Limits
from bench.capacity.outcome import Answer, End, Outcome
from bench.capacity.scenario import SLICE, Scenario
from bench.capacity.services import TABLE_BURST, DynamoTable, Rate
from bench.capacity.stock import Design, Reserved, Stock

_COME_TOGETHER: Final = 10
"""So many of those who are turned away in a slice draw one time to come back: it saves most of the drawing."""


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
        self._reads = Rate(limits.table_read_units, limits.table_read_units * TABLE_BURST)
        self._served = 0
        """Requests that the entry's functions have served in this slice."""
        self._bound = int(limits.start_executions * scenario.queue_seconds)
        self._depths: deque[int] = deque(maxlen=max(1, round(scenario.flag_age / SLICE)))
        self._environments = float(limits.provisioned_concurrency)
        self._retries: defaultdict[int, Counter[int]] = defaultdict(Counter)
        self.outcome = Outcome(stock=scenario.stock)
        self._checkouts = Checkouts(
            self._environment,
            scenario,
            limits,
            table=self._table,
            stock=self._stock,
            outcome=self.outcome,
            rng=self._rng,
        )
        # What the account allows is shared with the starters.
        self._most_environments = max(1, limits.lambda_concurrency - starters(limits, scenario))

    def run(self) -> Outcome:
        """Simulate the whole event."""
        environment = self._environment
        environment.process(self._entry())
        environment.run(until=self._scenario.lasts + self._scenario.tail)
        outcome = self.outcome
        self._checkouts.time_out()
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
            self._depths.append(self._checkouts.waiting)
            self.outcome.deepest = max(self.outcome.deepest, self._checkouts.waiting)
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
            after=max(1.0, self._checkouts.waiting / self._limits.start_executions),
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
            self._checkouts.add(Order(now))

    def _taken_in_the_request(self) -> Generator[simpy.Event, Any, None]:
        """Take a unit while the customer waits. Who fails does not come back."""
        match (yield from self._stock.reserve(self._environment)):
            case Reserved.YES | Reserved.DIED_HOLDING:
                # Who was killed after the transaction is asked again, and finds it.
                self.outcome.answers[Answer.PLACED] += 1
                self.outcome.units += 1
                self.outcome.ends[End.COMPLETED] += 1
            case Reserved.SOLD_OUT:
                self.outcome.answers[Answer.SOLD_OUT] += 1
            case Reserved.AGAIN | Reserved.DIED:
                self.outcome.answers[Answer.OVERLOADED] += 1

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
        self._environments = max(self._environments, min(needed, grown, self._most_environments))
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
