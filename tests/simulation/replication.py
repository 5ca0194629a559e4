"""Global tables: each change of an item goes to the other Region by itself, later, and the last writer wins."""

from __future__ import annotations

from collections.abc import Sequence

from tests.simulation.dynamodb import DynamoDbModel
from tests.simulation.dynamodb.tables import Change
from tests.simulation.faults import Weather
from tests.simulation.scheduler import Scheduler


class Replication:
    """Delays, and partitions during which nothing gets through. A transaction does not travel as a unit."""

    def __init__(self, scheduler: Scheduler, model: DynamoDbModel, weather: Weather) -> None:
        self.weather = weather
        self._scheduler = scheduler
        self._model = model
        self._parted_until = 0.0
        model.replicate = self._replicate

    def part(self, seconds: float) -> None:
        """Let the Regions lose each other."""
        self._parted_until = self._scheduler.now + seconds

    def delay(self) -> float:
        """Return the seconds that something takes to the other Region now."""
        parted = max(0.0, self._parted_until - self._scheduler.now)
        return parted + self._scheduler.random.expovariate(1.0) * self.weather.replication

    def _replicate(self, region: str, changes: Sequence[Change]) -> None:
        targets = [replica for replica in self._model.replicas.values() if replica.region != region]
        for change in changes:
            for replica in targets:
                self._scheduler.at(self.delay(), lambda replica=replica, change=change: replica.receive(change))
