"""The whole simulated system, from a seed: two Regions, their weather, the shoppers, and how it comes to rest."""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import msgspec

from tests.simulation.cell import CHECKOUT_TABLE, OUTBOX_TABLE, SimulatedCell
from tests.simulation.circumstances import Circumstances, circumstances_of
from tests.simulation.dynamodb import DynamoDbModel, DynamoDbModelClient
from tests.simulation.dynamodb.tables import Change, Key
from tests.simulation.dynamodb.values import Item
from tests.simulation.faults import CALM, Weather, weather_of
from tests.simulation.operators import Operators
from tests.simulation.pools import RETENTION
from tests.simulation.replication import Replication
from tests.simulation.scale import small
from tests.simulation.scheduler import Scheduler
from tests.workloads.checkout.state import State, read_state
from tests.workloads.regions import REGIONS
from tests.workloads.tables import keyed
from workloads.checkout.adapters.attributes import read_item
from workloads.checkout.adapters.keys import RESERVATIONS_BY_EXPIRY
from workloads.checkout.application.hot_items.refilling import SETTLING

_INDEXES: Final = (RESERVATIONS_BY_EXPIRY,)
"""Of those that the program's table has: what no simulated function reads would only cost time."""
_ATTEMPTS_TO_REST: Final = 20
_LAST_STRIKES: Final = 3


class SafetyViolationError(AssertionError):
    """Something happened that must never happen, at the very step at which it did."""


class World:
    """Two Regions in one virtual time."""

    def __init__(self, seed: int, weather: Weather | None = None, circumstances: Circumstances | None = None) -> None:
        self.seed = seed
        self.scheduler = Scheduler(seed)
        self.weather = weather or weather_of(self.scheduler)
        self.circumstances = circumstances or circumstances_of(self.scheduler.random)
        self.model = DynamoDbModel(REGIONS, now=lambda: self.scheduler.now)
        self.model.index_lag = lambda: self.replication.weather.latency * 10
        self._make_tables()
        self.replication = Replication(self.scheduler, self.model, CALM)
        self.learned: Counter[tuple[str, str]] = Counter()
        """How often each event, by type and id, reached the other contexts."""
        self.ends: dict[str, set[str]] = {}
        """The events that told of an order's end, by order."""
        self.cells = {
            region: SimulatedCell(
                region,
                scheduler=self.scheduler,
                model=self.model,
                travel=self.replication.delay,
                learn=self._learn,
                weather=CALM,
                circumstances=self.circumstances,
            )
            for region in REGIONS
        }
        self.operators = {region: Operators(cell, self.scheduler) for region, cell in self.cells.items()}
        for cell in self.cells.values():
            cell.bus.elsewhere = {region: other.bus for region, other in self.cells.items() if region != cell.region}
            cell.replica.tables[CHECKOUT_TABLE].listeners.append(partial(self._watch, cell.region))

    def expose(self) -> None:
        """Let the weather of this run begin."""
        self.replication.weather = self.weather
        draw = self.scheduler.random
        for cell in self.cells.values():
            cell.expose_to(self.weather)
            skew = self.weather.clock_skew * (2 * draw.random() - 1)
            cell.clock.skew = cell.replica.clock_skew = skew
        for _ in range(self.weather.partitions):
            seconds = 120 * draw.random()
            self.scheduler.at(120 * draw.random(), lambda seconds=seconds: self.replication.part(seconds))
        for _ in range(self.weather.outages):
            network = draw.choice(list(self.cells.values())).network
            start, seconds = 120 * draw.random(), 150 * draw.random()
            self.scheduler.at(start, lambda network=network: network.fail())
            self.scheduler.at(start + seconds, lambda network=network: network.recover())

    def come_to_rest(self) -> None:
        """Let the weather end, let operators redrive what lies in dead letters, and wait until nothing happens.

        Then the clocks strike a few times more: what a queue of tokens has lost is missed after a minute.
        """
        self.scheduler.run()
        self.replication.weather = CALM
        for cell in self.cells.values():
            cell.expose_to(CALM)
            for pool in cell.pools:
                # Else a message could be forgotten between the last strike and the end.
                pool.keep_for(RETENTION)
        for _ in range(_ATTEMPTS_TO_REST):
            left = 0
            for cell in self.cells.values():
                left += self.operators[cell.region].try_again()
                for queue in cell.queues.values():
                    left += len(queue.dead_letters)
                    queue.redrive()
            if not left:
                self._strike_clocks()
                if not any(queue.dead_letters for cell in self.cells.values() for queue in cell.queues.values()):
                    return
            self.scheduler.run()
        message = f"dead letters or failed executions are still there after {_ATTEMPTS_TO_REST} redrives"
        raise SafetyViolationError(message)

    def _strike_clocks(self) -> None:
        for _ in range(_LAST_STRIKES):
            self.scheduler.run_for(SETTLING.total_seconds() + 1)
            for cell in self.cells.values():
                self.scheduler.spawn(cell.sweep)
                self.scheduler.spawn(cell.strike)
            self.scheduler.run()

    def state(self, region: str = REGIONS[0]) -> State:
        """Read everything that a Region's replicas hold."""
        return read_state(self._items(region, CHECKOUT_TABLE), self._items(region, OUTBOX_TABLE))

    def images(self, region: str) -> dict[tuple[str, Any], Any]:
        """Return every item of a Region's replicas by its table and key."""
        return {
            (table.name, (hash_key, sort_key)): image
            for table in self.cells[region].replica.tables.values()
            for hash_key, partition in table.partitions.items()
            for sort_key, image in partition.between(None, None)
        }

    def _items(self, region: str, table: str) -> Iterator[dict[str, Any]]:
        for partition in self.cells[region].replica.tables[table].partitions.values():
            for _, image in partition.between(None, None):
                yield read_item(image)

    def _make_tables(self) -> None:
        client = DynamoDbModelClient(self.model, REGIONS[0])
        for table, indexes in ((CHECKOUT_TABLE, _INDEXES), (OUTBOX_TABLE, ())):
            client.create_table(TableName=table, **keyed(indexes))
            for region in REGIONS[1:]:
                client.update_table(TableName=table, ReplicaUpdates=[{"Create": {"RegionName": region}}])

    def _watch(self, region: str, change: Change) -> None:
        violation = violation_of(change, region)
        if violation is not None:
            # Raised where no code under test can catch it.
            self.scheduler.at(0.0, lambda: _raise(SafetyViolationError(f"seed {self.seed}: {violation}")))

    def _learn(self, _region: str, body: str) -> None:
        event = msgspec.json.decode(body, type=_BusEntry).detail
        self.learned[event.type, event.id] += 1
        if event.type.startswith("Purchase"):
            self.ends.setdefault(event.subject, set()).add(f"{event.type} {event.id}")


def _raise(error: Exception) -> None:
    raise error


class _Told(msgspec.Struct):
    id: str
    type: str
    subject: str


class _BusEntry(msgspec.Struct):
    detail: _Told


@contextmanager
def repeatable(seed: int) -> Generator[None]:
    """Let the code under test draw the same numbers in every run of a seed, and log nothing."""
    state = random.getstate()
    random.seed(seed)
    logging.disable(logging.CRITICAL)
    try:
        with small():
            yield
    finally:
        random.setstate(state)
        logging.disable(logging.NOTSET)


def violation_of(change: Change, region: str) -> str | None:
    """Return what a write in a Region did that must never happen, looked at by itself."""
    before, after = change.before, change.after
    if after is None:
        return None
    kind = change.key[1]
    if kind == "WALLET" and int(after.get("balance", {"N": "0"})["N"]) < 0:
        return f"the balance of {change.key[0]} is below zero"
    if before is None or after["origin_region"]["S"] != region:
        # A replica elsewhere does not see every version in between.
        return None
    if kind == "ALLOTMENT":
        return _violation_of_allotment(change.key, before, after)
    if kind == "ORDER" and before["state"]["S"] != "Pending" and after["state"] != before["state"]:
        return f"{change.key[0]} went from {before['state']['S']} to {after['state']['S']}"
    return _violation_of_token(change.key, before, after) if change.key[0].startswith("TOKEN#") else None


def _violation_of_allotment(key: Key, before: Item, after: Item) -> str | None:
    cut = int(after["allotted"]["N"]) < int(before["allotted"]["N"])
    if cut or int(after["free"]["N"]) >= min(0, int(before["free"]["N"])):
        return None
    return f"more of {key[0]} is sold than there is"


def _violation_of_token(key: Key, before: Item, after: Item) -> str | None:
    state, following = before["state"]["S"], after["state"]["S"]
    if state in {"Taken", "Settled"} and following == "Taken" and before["order_id"] != after["order_id"]:
        return f"the token {key} of {before['order_id']['S']} is also that of {after['order_id']['S']}"
    if state == "Retired" or (state == "Settled" and following != "Retired"):
        return f"the token {key} was {state} and is {following}"
    return None
