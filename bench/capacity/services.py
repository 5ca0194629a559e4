"""AWS's services as the simulation sees them: only what limits them. Times are seconds since the run's start."""

import heapq
import random
from collections import deque
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from bench.capacity.limits import Limits

TABLE_BURST: Final = 0.1
"""Seconds of a table's rate that it serves at once: how it is paced within a second is not published."""


class Rate:
    """A token bucket: so many a second, and a burst (API Gateway, StartExecution, StateTransition, a table)."""

    def __init__(self, a_second: float, burst: float) -> None:
        self._rate = a_second
        self._burst = burst
        self._free = burst
        self._at = 0.0

    def take(self, now: float, wanted: float) -> float:
        """Take at most what is wanted; return how much was granted."""
        self._refill(now)
        granted = max(0.0, min(wanted, self._free))
        self._free -= granted
        return granted

    def take_all(self, now: float, wanted: float) -> bool:
        """Take what is wanted, or nothing; tell which."""
        self._refill(now)
        if self._free < wanted:
            return False
        self._free -= wanted
        return True

    def wait(self, now: float, wanted: float = 1.0) -> float:
        """Take what is wanted in the order of asking; return for how long the caller has to wait for it."""
        self._refill(now)
        self._free -= wanted
        return max(0.0, -self._free / self._rate)

    def _refill(self, now: float) -> None:
        self._free = min(self._burst, self._free + (now - self._at) * self._rate)
        self._at = now


class Partition:
    """A partition: it serves its write units evenly, so that no second holds more than the limit; the rest throttle."""

    _SLACK: Final = 0.01
    """How much ahead of the even pace a request may come: a hundredth of a second's units."""

    def __init__(self, write_units: int) -> None:
        self._write_units = write_units
        self._paced_until = 0.0
        self.served = 0.0
        self.throttled = 0

    def write(self, now: float, units: float) -> bool:
        """Serve a write, or throttle it."""
        start = max(self._paced_until, now)
        if start + units / self._write_units > now + self._SLACK:
            self.throttled += 1
            return False
        self._paced_until = start + units / self._write_units
        self.served += units
        return True


class HotItem(NamedTuple):
    """An item that many transactions want."""

    partition_key: str
    sort_key: str = ""


class Cancelled(StrEnum):
    """Why a transaction did not happen."""

    THROTTLED = "throttled"
    CONFLICT = "conflict"


class DynamoTable:
    """A table in one Region: its quota, its partitions, and the items that transactions under way hold.

    Partition keys of hot items are spread over the partitions by hash. Adaptive capacity would isolate those that share
    one, and gives an item at most a whole partition; it takes minutes, so within a run they stay where they are. What
    is not hot is spread so wide that only the table's own rate counts.
    """

    def __init__(self, limits: Limits, rng: random.Random) -> None:
        self._limits = limits
        table_units = min(limits.table_write_units, limits.warm_write_units)
        self._writes = Rate(table_units, table_units * TABLE_BURST)
        self._partitions = [Partition(limits.partition_write_units) for _ in range(limits.partitions)]
        self._rng = rng
        self._of_key: dict[str, Partition] = {}
        self._busy_until: dict[HotItem, float] = {}
        self.conflicts = 0
        self.throttled = 0

    def begin(self, now: float, hot: Sequence[HotItem], others: int, *, lasts: float) -> Cancelled | None:
        """Start a transaction on hot items and on others that nobody else writes; tell what cancels it, if anything.

        Its write units are spent even when it is cancelled (Developer Guide, Capacity management for transactions).
        """
        each = self._limits.write_units_of_a_transactional_kilobyte
        units = each * (len(hot) + others)
        for item in hot:
            if not self._partition(item.partition_key).write(now, each):
                self.throttled += 1
                return Cancelled.THROTTLED
        if not self._writes.take_all(now, units):
            self.throttled += 1
            return Cancelled.THROTTLED
        if any(self._busy_until.get(item, 0.0) > now for item in hot):
            self.conflicts += 1
            return Cancelled.CONFLICT
        for item in hot:
            self._busy_until[item] = now + lasts
        return None

    def _partition(self, key: str) -> Partition:
        if key not in self._of_key:
            self._of_key[key] = self._rng.choice(self._partitions)
        return self._of_key[key]


class TokenQueue:
    """A standard queue that holds a message a token: at least once, in no order, hidden while in flight."""

    _HOSTS: Final = 20
    """AWS does not say how many servers hold a queue."""

    def __init__(self, limits: Limits, tokens: int, *, visibility: float, twice: float, rng: random.Random) -> None:
        self._limit = limits.in_flight_messages
        self._visibility = visibility
        self._twice = twice
        self._rng = rng
        self._hosts: list[deque[int]] = [deque() for _ in range(self._HOSTS)]
        for token in rng.sample(range(tokens), tokens):
            self._hosts[token % self._HOSTS].append(token)
        self._hidden: list[tuple[float, int]] = []
        self._in_flight: dict[int, float] = {}
        self.most_in_flight = 0

    def receive(self, now: float) -> int | None:
        """Return a token that is hidden from others from now on, or None: a long poll has asked all servers."""
        self._show_again(now)
        if len(self._in_flight) >= self._limit:
            return None
        for host in self._rng.sample(range(self._HOSTS), self._HOSTS):
            if not self._hosts[host]:
                continue
            token = self._hosts[host].popleft()
            if self._rng.random() < self._twice:
                self._hosts[host].append(token)
            until = now + self._visibility
            self._in_flight[token] = until
            heapq.heappush(self._hidden, (until, token))
            self.most_in_flight = max(self.most_in_flight, len(self._in_flight))
            return token
        return None

    def delete(self, token: int) -> None:
        """Delete a message in flight."""
        self._in_flight.pop(token, None)

    def _show_again(self, now: float) -> None:
        while self._hidden and self._hidden[0][0] <= now:
            until, token = heapq.heappop(self._hidden)
            if self._in_flight.get(token) == until:
                del self._in_flight[token]
                self._hosts[self._rng.randrange(self._HOSTS)].append(token)
