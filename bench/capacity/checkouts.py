"""What becomes of the orders that got in: the queue, the starters that hold units for them, and their executions."""

import math
import random
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import simpy

from bench.capacity.limits import Limits
from bench.capacity.outcome import End, Outcome
from bench.capacity.scenario import Scenario
from bench.capacity.services import DynamoTable, Rate
from bench.capacity.stock import Reserved, Stock

_STEP_ATTEMPTS: Final = 6
"""The first and five retries (components/checkout_saga_states.py), with full jitter over 1, 2, 4, 8, 16 seconds."""
_CLIENT_ATTEMPTS: Final = 3
"""Of a call of AWS (workloads/runtime/aws.py), with full jitter over 1 and 2 seconds."""
_IDLE: Final = 0.05
"""A starter without messages looks again after so many seconds."""
_MOST_STARTERS: Final = 1_000

Process = Generator[simpy.Event, Any, None]


@dataclass(eq=False)
class Order:
    """An order of one unit."""

    placed_at: float
    held: bool = False


class Checkouts:
    """A Region's orders from their queue to their ends.

    Starters take batches off the queue. For each order one of them tries to hold a unit: where it got it, or does not
    know, it starts an execution; where there is none, it ends the order itself. What it can not do comes back after the
    time-out of the message.
    """

    def __init__(
        self,
        environment: simpy.Environment,
        scenario: Scenario,
        limits: Limits,
        *,
        table: DynamoTable,
        stock: Stock,
        outcome: Outcome,
        rng: random.Random,
    ) -> None:
        self._environment = environment
        self._scenario = scenario
        self._table = table
        self._stock = stock
        self._outcome = outcome
        self._rng = rng
        self._starts = Rate(limits.start_executions, limits.start_executions_burst)
        self._transitions = Rate(limits.state_transitions, limits.state_transitions)
        self._puts = Rate(limits.put_events, limits.put_events)
        self._invocations = Rate(limits.rule_invocations, limits.rule_invocations)
        self._waiting: deque[Order] = deque()
        self._under_way: set[Order] = set()
        for number in range(starters(limits, scenario)):
            late = max(0, number + 1 - limits.pollers_at_first) * 60 / limits.pollers_a_minute
            environment.process(self._starter(late))

    @property
    def waiting(self) -> int:
        """Return how many orders are in the queue."""
        return len(self._waiting)

    def add(self, order: Order) -> None:
        """Put an order into the queue: it gets there a little later, over the outbox."""
        self._waiting.append(order)

    def time_out(self) -> None:
        """Count those that have not ended when the event is over."""
        for order in (*self._waiting, *self._under_way):
            self._count_late(order)

    def _starter(self, late: float) -> Process:
        """Take one batch after the other, as one environment of the starter's function does."""
        yield self._environment.timeout(late)
        while True:
            if batch := self._batch():
                yield from self._handle(batch)
            else:
                yield self._environment.timeout(_IDLE)

    def _batch(self) -> Sequence[Order]:
        published = self._environment.now - self._scenario.publish
        batch: list[Order] = []
        while self._waiting and len(batch) < self._scenario.batch and self._waiting[0].placed_at <= published:
            batch.append(self._waiting.popleft())
        self._under_way.update(batch)
        return batch

    def _handle(self, batch: Sequence[Order]) -> Process:
        began = self._environment.now
        for number, order in enumerate(batch):
            match (
                yield from self._begin(order, late=self._environment.now - began > self._scenario.batch_takes_units)
            ):
                case Reserved.DIED | Reserved.DIED_HOLDING:
                    self._hide(batch[number:])
                    return
                case Reserved.SOLD_OUT:
                    self._end(order, End.SOLD_OUT)
                case Reserved.YES | Reserved.AGAIN:
                    if not (yield from self._execution_started(order)):
                        self._hide([order])

    def _begin(self, order: Order, *, late: bool) -> Generator[simpy.Event, Any, Reserved]:
        """Hold a unit or reject the order; what is not certain, or the rest of a late batch, is the execution's."""
        if late:
            return Reserved.AGAIN
        yield self._environment.timeout(self._scenario.load)
        reserved = yield from self._held(order)
        if reserved is not Reserved.SOLD_OUT:
            return reserved
        for items in (self._scenario.refuse_items, self._scenario.reject_items):
            yield self._environment.timeout(self._scenario.load / 2)
            if (yield from self._written(items)) is Reserved.AGAIN:
                return Reserved.AGAIN
        return Reserved.SOLD_OUT

    def _held(self, order: Order) -> Generator[simpy.Event, Any, Reserved]:
        """Try to hold a unit for an order, once: what it holds already is found."""
        if order.held:
            return Reserved.YES
        reserved = yield from self._stock.reserve(self._environment)
        if reserved in (Reserved.YES, Reserved.DIED_HOLDING):
            order.held = True
            self._outcome.units += 1
        if self._stock.sold_out and self._outcome.sold_out_at is None:
            self._outcome.sold_out_at = self._environment.now
            self._environment.process(self._push())
        return reserved

    def _execution_started(self, order: Order) -> Generator[simpy.Event, Any, bool]:
        for tried in range(_CLIENT_ATTEMPTS):
            yield self._environment.timeout(self._scenario.start)
            if self._starts.take_all(self._environment.now, 1):
                self._environment.process(self._execution(order))
                return True
            self._outcome.refused_starts += 1
            if tried + 1 < _CLIENT_ATTEMPTS:
                yield self._environment.timeout(self._rng.uniform(0, 2.0**tried))
        return False

    def _hide(self, orders: Sequence[Order]) -> None:
        """Let the messages of a batch come back after the queue's visibility time-out."""

        def hidden() -> Process:
            yield self._environment.timeout(self._scenario.message_hidden)
            self._under_way.difference_update(orders)
            self._waiting.extendleft(orders)

        self._environment.process(hidden())

    def _execution(self, order: Order) -> Process:
        """Take an order through its execution: debit and complete, or reserve before, or reject."""
        self._outcome.executions += 1
        if not order.held:
            # The debit finds nothing reserved, which is no reason to try it again.
            yield self._environment.timeout(self._entered())
            reserved = yield from self._stepped(lambda: self._held(order))
            if reserved is not Reserved.YES:
                sold_out = reserved is Reserved.SOLD_OUT
                for items in (self._scenario.reject_items,) if sold_out else (1, self._scenario.reject_items):
                    yield from self._stepped(lambda items=items: self._written(items))
                self._end(order, End.SOLD_OUT if sold_out else End.FAILED)
                return
        for items in (self._scenario.debit_items, self._scenario.complete_items):
            yield from self._stepped(lambda items=items: self._written(items))
        yield self._environment.timeout(self._published(self._scenario.events))
        self._end(order, End.COMPLETED)

    def _stepped(
        self, attempt: Callable[[], Generator[simpy.Event, Any, Reserved]]
    ) -> Generator[simpy.Event, Any, Reserved]:
        """Run a step as the state machine does, with its retries."""
        for tried in range(_STEP_ATTEMPTS):
            yield self._environment.timeout(self._entered())
            result = yield from attempt()
            if result in (Reserved.YES, Reserved.SOLD_OUT):
                return result
            yield self._environment.timeout(self._rng.uniform(0, 2.0**tried))
        return Reserved.AGAIN

    def _entered(self) -> float:
        """Return how long a state takes around its transaction, the wait for its transition included."""
        self._outcome.transitions += 1
        return self._scenario.step + self._transitions.wait(self._environment.now)

    def _written(self, items: int) -> Generator[simpy.Event, Any, Reserved]:
        cancelled = self._table.begin(self._environment.now, (), items, lasts=self._scenario.write)
        yield self._environment.timeout(self._scenario.write)
        return Reserved.YES if cancelled is None else Reserved.AGAIN

    def _published(self, events: int) -> float:
        """Put an order's events onto the bus; return how long PutEvents and the rules' targets make them wait."""
        now = self._environment.now
        return max(self._puts.wait(now, events), self._invocations.wait(now, events * self._scenario.targets))

    def _push(self) -> Process:
        """Tell the entry: event, rule, queue, function, flag."""
        yield self._environment.timeout(self._scenario.publish + self._scenario.flag_write)
        self._outcome.pushed_at = self._environment.now

    def _end(self, order: Order, end: End) -> None:
        self._under_way.discard(order)
        self._outcome.ends[end] += 1
        self._outcome.slowest = max(self._outcome.slowest, self._environment.now - order.placed_at)
        self._count_late(order)

    def _count_late(self, order: Order) -> None:
        if self._environment.now - order.placed_at <= self._scenario.order_bound:
            return
        self._outcome.timed_out += 1
        if self._outcome.pushed_at is not None and order.placed_at >= self._outcome.pushed_at:
            self._outcome.timed_out_after_push += 1


def starters(limits: Limits, scenario: Scenario) -> int:
    """Return the concurrency of the starter, as components/cell_functions/checkout.py sets it."""
    return min(max(math.ceil(limits.start_executions / scenario.starts_of_a_starter), 2), _MOST_STARTERS)
