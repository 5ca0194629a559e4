"""How a unit is taken, three ways: from one counter, from sharded counters, or with a token from a queue.

All three take a unit in one transaction with the reservation, under a condition, so that none ever sells what is not
there; they differ in how many take one at a time.
"""

import random
from collections.abc import Generator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

import simpy

from bench.capacity.limits import Limits
from bench.capacity.scenario import Scenario
from bench.capacity.services import DynamoTable, HotItem, TokenQueue

_ATTEMPTS: Final = 8
_FIRST_PAUSE: Final = 0.01
_LONGEST_PAUSE: Final = 0.25
"""As in workloads/checkout/application/deciding.py."""


class Reserved(StrEnum):
    """What an attempt to take a unit comes to."""

    YES = "yes"
    SOLD_OUT = "sold out"
    AGAIN = "again"
    """Not decided in all attempts of a function: somebody tries it again later."""
    DIED = "died"
    """The worker was killed before its transaction."""
    DIED_HOLDING = "died holding"
    """The worker was killed after its transaction."""


class Stock(Protocol):
    """A Region's units of the item."""

    @property
    def sold_out(self) -> bool:
        """Whether it is known that no unit is left."""
        ...

    @property
    def most_in_flight(self) -> int:
        """The most messages that were in flight, where there are any."""
        ...

    def reserve(self, environment: simpy.Environment) -> Generator[simpy.Event, Any, Reserved]:
        """Try to take one unit for one order."""
        ...


class Counters:
    """Conditional counters: one, or several over which the units are spread."""

    def __init__(self, scenario: Scenario, table: DynamoTable, rng: random.Random, *, shards: int) -> None:
        self._scenario = scenario
        self._table = table
        self._rng = rng
        self._free = [scenario.stock // shards + (shard < scenario.stock % shards) for shard in range(shards)]

    @property
    def sold_out(self) -> bool:
        """Whether every counter is empty, which whoever finds one empty sees by reading all."""
        return not any(self._free)

    @property
    def most_in_flight(self) -> int:
        """Return none: there is no queue."""
        return 0

    def reserve(self, environment: simpy.Environment) -> Generator[simpy.Event, Any, Reserved]:
        """Try again and again, as long as a function does."""
        longest = _FIRST_PAUSE
        for _ in range(_ATTEMPTS):
            shard = self._rng.randrange(len(self._free))
            if self._free[shard] == 0:
                filled = [shard for shard, free in enumerate(self._free) if free]
                if not filled:
                    return Reserved.SOLD_OUT
                shard = self._rng.choice(filled)
            fate = self._rng.random()
            if fate < self._scenario.kills / 2:
                return Reserved.DIED
            counter = HotItem(f"counter-{shard}")
            cancelled = self._table.begin(
                environment.now, (counter,), self._scenario.reserve_items, lasts=self._scenario.write
            )
            if cancelled is None:
                # Decided while it holds the counter. When the answer is lost, the client asks again under the same
                # token of the transaction, and is told.
                self._free[shard] -= 1
                if fate < self._scenario.kills:
                    return Reserved.DIED_HOLDING
                lost = self._rng.random() < self._scenario.lost_answers
                yield environment.timeout(self._scenario.write * (2 if lost else 1))
                return Reserved.YES
            yield environment.timeout(self._scenario.write + self._rng.uniform(0, longest))
            longest = min(2 * longest, _LONGEST_PAUSE)
        return Reserved.AGAIN


class Tokens:
    """A token a unit, in a queue; taken by putting its item if it is absent."""

    def __init__(self, scenario: Scenario, limits: Limits, table: DynamoTable, rng: random.Random) -> None:
        self._scenario = scenario
        self._table = table
        self._rng = rng
        self._queue = TokenQueue(
            limits, scenario.stock, visibility=scenario.visibility, twice=scenario.deliveries_twice, rng=rng
        )
        self._taken: set[int] = set()
        self._counted_at = -1.0
        self._sold_out = False
        self._sold_out_at = 0.0

    @property
    def sold_out(self) -> bool:
        """Whether all tokens were counted as taken."""
        return self._sold_out

    @property
    def most_in_flight(self) -> int:
        """The most messages that were in flight."""
        return self._queue.most_in_flight

    def reserve(self, environment: simpy.Environment) -> Generator[simpy.Event, Any, Reserved]:
        """Receive, put if absent, delete."""
        scenario, rng = self._scenario, self._rng
        held: int | None = None
        longest = _FIRST_PAUSE
        for _ in range(_ATTEMPTS):
            if self._knows_sold_out(environment.now):
                return Reserved.SOLD_OUT
            token = held if held is not None else self._queue.receive(environment.now)
            yield environment.timeout(scenario.receive if token is not None else scenario.long_poll)
            if token is None:
                # Has them counted, and reads the count anew before it tries again.
                self._decide(environment.now)
                if self._sold_out:
                    return Reserved.SOLD_OUT
                yield environment.timeout(rng.uniform(0, longest))
                longest = min(2 * longest, _LONGEST_PAUSE)
                continue
            fate = rng.random()
            if fate < scenario.kills / 2:
                # The token is hidden until the visibility time-out, then comes back.
                return Reserved.DIED
            item = HotItem(f"tokens-{token % scenario.shards}", str(token))
            cancelled = self._table.begin(environment.now, (item,), scenario.reserve_items, lasts=scenario.write)
            if cancelled is not None:
                held = token
                yield environment.timeout(scenario.write + rng.uniform(0, longest))
                longest = min(2 * longest, _LONGEST_PAUSE)
                continue
            yield environment.timeout(scenario.write)
            held = None
            if token in self._taken:
                self._queue.delete(token)
                continue
            self._taken.add(token)
            if fate < scenario.kills:
                # Whoever tries again finds the reservation; the token's message comes back, and whoever gets it is
                # refused by the condition.
                return Reserved.DIED_HOLDING
            if fate < scenario.kills + scenario.lost_answers:
                yield environment.timeout(scenario.write)
            self._queue.delete(token)
            return Reserved.YES
        return Reserved.AGAIN

    def _knows_sold_out(self, now: float) -> bool:
        """Draw whether a function has read the allotment since it was counted: it remembers it for a moment."""
        return self._sold_out and self._rng.random() < (now - self._sold_out_at) / self._scenario.flag_age

    def _decide(self, now: float) -> None:
        """Count what is taken, but not too often: an empty receive alone says nothing."""
        if not self._sold_out and now - self._counted_at >= self._scenario.count_every:
            self._counted_at = now
            self._sold_out = len(self._taken) == self._scenario.stock
            self._sold_out_at = now


class Kind(StrEnum):
    """What the units are counted by."""

    TOKENS = "tokens"
    SHARDS = "sharded counters"
    COUNTER = "plain counter"


@dataclass(frozen=True)
class Design:
    """A way to sell the item, and what stands in front of it."""

    name: str
    kind: Kind
    queued: bool = True
    """Whether orders wait for the saga in a bounded queue, and sold out is pushed to the entry; else each request takes
    its unit itself, and nothing tells it before that there is none."""

    def stock(self, scenario: Scenario, limits: Limits, table: DynamoTable, rng: random.Random) -> Stock:
        """Return the stock at the start."""
        match self.kind:
            case Kind.TOKENS:
                return Tokens(scenario, limits, table, rng)
            case Kind.SHARDS:
                return Counters(scenario, table, rng, shards=scenario.shards)
            case Kind.COUNTER:
                return Counters(scenario, table, rng, shards=1)
