"""Asks the cell's own dependencies whether they answer: its replica of the table and its bus, nothing shared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Final

import msgspec

from workloads.runtime.logging import logger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient

_log: Final = logger("health")


class HealthReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the cell says of itself."""

    region: str
    status: str
    checks: Mapping[str, str]

    @property
    def failing(self) -> tuple[str, ...]:
        """Return the names of the checks that failed."""
        return tuple(name for name, state in self.checks.items() if state != "ok")


class Health:
    """Checks one cell."""

    def __init__(
        self,
        dynamodb: Callable[[], DynamoDBClient],
        events: Callable[[], EventBridgeClient],
        *,
        region: str,
        table: str,
        bus: str,
    ) -> None:
        # Few of a function's workers ever answer a health check: none pays for its clients at the start.
        self._dynamodb = cache(dynamodb)
        self._events = cache(events)
        self._region = region
        self._table = table
        self._bus = bus

    def check(self) -> HealthReport:
        """Try each dependency once."""
        checks = {"table": _tried("table", self._read_table), "bus": _tried("bus", self._describe_bus)}
        status = "ok" if set(checks.values()) == {"ok"} else "failing"
        return HealthReport(region=self._region, status=status, checks=checks)

    def _read_table(self) -> None:
        # Whether the item exists does not matter: the read itself shows that the replica answers.
        key = {"pk": {"S": "HEALTH"}, "sk": {"S": "HEALTH"}}
        self._dynamodb().get_item(TableName=self._table, Key=key)

    def _describe_bus(self) -> None:
        self._events().describe_event_bus(Name=self._bus)


def _tried(name: str, attempt: Callable[[], None]) -> str:
    try:
        attempt()
    except Exception:  # noqa: BLE001 - whatever fails is the finding, and it is logged
        _log.exception("health check failed", extra={"check": name})
        return "failing"
    return "ok"
