"""DynamoDB in all Regions: the tables of each, what is in flight there, and how a change reaches the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from tests.simulation.dynamodb.errors import error
from tests.simulation.dynamodb.tables import NO_STAMP, Change, Index, Key, Stamp, Table
from tests.simulation.dynamodb.values import Item

TOKEN_LIFETIME: Final = 600.0
"""Seconds for which a transaction's client token is remembered (API Reference, TransactWriteItems)."""


class Write(NamedTuple):
    """A version that is to be written; None deletes."""

    table: Table
    key: Key
    image: Item | None


class RememberedRequest(NamedTuple):
    """A transaction that was carried out under a token."""

    content: Sequence[Any]
    at: float


class Replica:
    """DynamoDB in one Region."""

    def __init__(self, model: DynamoDbModel, region: str) -> None:
        self.region = region
        self.tables: dict[str, Table] = {}
        self.tokens: dict[str, RememberedRequest] = {}
        self.tokens_in_flight: set[str] = set()
        self.in_flight: set[tuple[str, Key]] = set()
        """The items that transactions under way are about to write or have checked."""
        self.clock_skew = 0.0
        """Seconds by which this Region's clock, which stamps the versions, is ahead of the true time."""
        self._model = model

    def now(self) -> float:
        """Return the time in seconds."""
        return self._model.now()

    def table(self, name: str, operation: str) -> Table:
        """Return a table; raises ResourceNotFoundException."""
        table = self.tables.get(name)
        if table is None:
            raise error("ResourceNotFoundException", f"Requested resource not found: {name}", operation)
        return table

    def write(self, writes: Iterable[Write]) -> None:
        """Write versions at one time, and let the other Regions have them."""
        changes: list[Change] = []
        time_here = self.now() + self.clock_skew
        for write in writes:
            stored = write.table.get(write.key)
            stamp = self._stamp(time_here, NO_STAMP if stored is None else stored.stamp)
            changes.append(self._put(write.table, write.key, write.image, stamp))
        self._model.replicate(self.region, changes)

    def receive(self, change: Change) -> None:
        """Take a version from another Region, unless the present one is younger: the last writer wins."""
        table = self.tables.get(change.table)
        if table is None:
            return
        stored = table.get(change.key)
        if stored is None or stored.stamp < change.stamp:
            self._put(table, change.key, change.after, change.stamp)

    def _put(self, table: Table, key: Key, image: Item | None, stamp: Stamp) -> Change:
        return table.put(key, image, stamp, index_due=self.now() + self._model.index_lag())

    def _stamp(self, time_here: float, present: Stamp) -> Stamp:
        """Return a stamp above that of the version which is overwritten, so that all replicas agree in the end."""
        stamp = (time_here, 0, self.region)
        return stamp if stamp > present else (present[0], present[1] + 1, self.region)


class DynamoDbModel:
    """All Regions. By itself it replicates at once, as the embedded AWS does; a simulation puts delays in between."""

    def __init__(self, regions: Sequence[str], *, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self.replicas: Mapping[str, Replica] = {region: Replica(self, region) for region in regions}
        self.index_lag: Callable[[], float] = _none
        """Returns the seconds until an index shows a change."""
        self.replicate: Callable[[str, Sequence[Change]], None] = self.replicate_at_once
        """Takes what one transaction or write changed in a Region."""

    def replicate_at_once(self, region: str, changes: Sequence[Change]) -> None:
        """Hand changes to every other Region that has the table."""
        for replica in self.replicas.values():
            if replica.region != region:
                for change in changes:
                    replica.receive(change)

    def add_replica(self, table: str, source: str, target: str) -> None:
        """Give another Region a replica of a table, with all that is in it."""
        origin = self.replicas[source].tables[table]
        indexes = {
            name: Index(name, index.schema, table=origin.schema, projected=index.projected)
            for name, index in origin.indexes.items()
        }
        copy = self.replicas[target].tables[table] = Table(table, origin.schema, indexes=indexes)
        for hash_key, partition in origin.partitions.items():
            for sort_key, stored in partition.items.items():
                copy.put((hash_key, sort_key), stored.image, stored.stamp, index_due=self.now())


def _none() -> float:
    return 0.0
