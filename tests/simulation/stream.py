"""The stream of an outbox table and the poller that feeds its consumer: per shard in order, at least once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tests.simulation.dynamodb.tables import Change, Table, hash_place
from tests.simulation.faults import CrashError, Weather
from tests.simulation.scheduler import Scheduler

_SHARDS: Final = 2
_BATCH: Final = 50

Consumer = Callable[[dict[str, Any]], dict[str, Any]]


class OutboxStream:
    """Hands new entries of a Region's replica to the consumer; a batch that fails is handed over again from there on.

    Only what originated in the Region passes the poller's filter, as the program declares it.
    """

    def __init__(self, region: str, table: Table, consumer: Consumer, scheduler: Scheduler, weather: Weather) -> None:
        self.weather = weather
        self._region = region
        self._consumer = consumer
        self._scheduler = scheduler
        self._shards: list[list[dict[str, Any]]] = [[] for _ in range(_SHARDS)]
        self._polling = [False] * _SHARDS
        self._sequence = 0
        table.listeners.append(self._on_change)

    def _on_change(self, change: Change) -> None:
        image = change.after
        if change.before is not None or image is None or image.get("originregion") != {"S": self._region}:
            return
        self._sequence += 1
        record = {
            "eventID": f"{self._region}-{self._sequence}",
            "eventName": "INSERT",
            "dynamodb": {"NewImage": image, "SequenceNumber": str(self._sequence)},
        }
        shard = hash_place(change.key[0]) % _SHARDS
        self._shards[shard].append(record)
        self._wake(shard, self.weather.latency)

    def _wake(self, shard: int, delay: float) -> None:
        if not self._polling[shard]:
            self._polling[shard] = True
            self._scheduler.spawn(lambda: self._poll(shard), delay * (0.5 + self._scheduler.random.random()))

    def _poll(self, shard: int) -> None:
        records = self._shards[shard]
        batch = records[:_BATCH]
        delay = self.weather.latency
        try:
            failures = self._consumer({"Records": batch})["batchItemFailures"]
            if self._scheduler.random.random() < self.weather.crash:
                raise CrashError
        except CrashError:
            done = 0
        else:
            done = len(batch)
            if failures:
                first = failures[0]["itemIdentifier"]
                done = next(n for n, record in enumerate(batch) if record["dynamodb"]["SequenceNumber"] == first)
        if done < len(batch):
            delay = 1.0
        if done and self._scheduler.random.random() < self.weather.duplicate:
            # The checkpoint was lost: the same records come again.
            done = 0
        del records[:done]
        self._polling[shard] = False
        if records:
            self._wake(shard, delay)
