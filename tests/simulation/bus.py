"""EventBridge: each event to every target whose rule it fits, at least once and in no order; to other Regions too."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from components.event_bus import Route, routes
from tests.infrastructure.event_patterns import matches
from tests.simulation.faults import Weather
from tests.simulation.scheduler import Scheduler

Deliver = Callable[[str], None]


class Bus:
    """One Region's bus with the rules that the program declares."""

    def __init__(
        self,
        region: str,
        others: Sequence[str],
        scheduler: Scheduler,
        weather: Weather,
        *,
        targets: Mapping[str, Deliver],
        travel: Callable[[], float],
    ) -> None:
        self.weather = weather
        self.published = 0
        self._region = region
        self._others = tuple(others)
        self._scheduler = scheduler
        self._targets = targets
        self._travel = travel
        self.elsewhere: dict[str, Bus] = {}

    def put_events(self, *, Entries: Sequence[Mapping[str, str]]) -> dict[str, Any]:  # noqa: N803 - the name of the API
        """Answer PutEvents, in which any entry may fail by itself."""
        results: list[dict[str, str]] = []
        for entry in Entries:
            if self._scheduler.random.random() < self.weather.error_before:
                results.append({"ErrorCode": "ThrottlingException"})
            else:
                self._accept(entry)
                results.append({"EventId": "of the bus"})
        return {"Entries": results, "FailedEntryCount": sum("ErrorCode" in result for result in results)}

    def _accept(self, entry: Mapping[str, str]) -> None:
        self.published += 1
        detail = json.loads(entry["Detail"])
        for target in _targets_of(
            self._region,
            self._others,
            entry["Source"],
            entry["DetailType"],
            detail["originregion"],
            detail.get("destinationregion"),
        ):
            copies = 2 if self._scheduler.random.random() < self.weather.duplicate else 1
            for _ in range(copies):
                self._send(target, entry)

    def _send(self, target: str, entry: Mapping[str, str]) -> None:
        if target in self.elsewhere:
            bus = self.elsewhere[target]
            self._scheduler.at(self._travel(), lambda: bus.arrive(entry))
            return
        deliver = self._targets.get(target)
        if deliver is not None:
            body = f'{{"time":"2026-11-30T00:00:00Z","detail":{entry["Detail"]}}}'
            self._scheduler.at(self._delay(), lambda: deliver(body))

    def arrive(self, entry: Mapping[str, str]) -> None:
        """Take what another Region's rule has forwarded; what came from another bus is never forwarded again."""
        self._accept(entry)

    def _delay(self) -> float:
        return self._scheduler.random.expovariate(1.0) * 10 * self.weather.latency


@cache
def _routes_of(region: str, others: tuple[str, ...]) -> tuple[Route, ...]:
    return tuple(routes(region, others))


@cache
def _targets_of(  # noqa: PLR0917 - the key of a cache
    region: str, others: tuple[str, ...], source: str, kind: str, origin: str, destination: str | None
) -> tuple[str, ...]:
    """Return the targets of the rules that such an event fits."""
    event = {
        "source": source,
        "detail-type": kind,
        "detail": {"originregion": origin, "destinationregion": destination},
    }
    return tuple(str(route.target) for route in _routes_of(region, others) if matches(route.pattern, event))
