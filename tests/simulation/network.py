"""What lies between a function and DynamoDB in the simulation: time, lost and late messages, and the end of the caller.

Every call gives way to the other actors once. That makes every interleaving of calls possible; what a function does
between two calls is its own and needs no interleaving.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from tests.simulation.dynamodb.requests import Request
from tests.simulation.dynamodb.service import Replica
from tests.simulation.dynamodb.values import InvalidRequestError
from tests.simulation.dynamodb.writing import begin_transaction
from tests.simulation.faults import CrashError, Weather
from tests.simulation.scheduler import Scheduler

_GIVES_UP_AFTER: Final = 5.0
"""Seconds: the read time-out of the functions' clients (`workloads.runtime.aws`)."""
_WRITES: Final = frozenset({"TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem"})


class SimulatedNetwork:
    """The way to DynamoDB in one Region."""

    def __init__(self, scheduler: Scheduler, replica: Replica, weather: Weather) -> None:
        self.weather = self._usual = weather
        self.calls = 0
        self._scheduler = scheduler
        self._random = scheduler.random.random
        self._replica = replica

    def __call__(self, operation: str, request: Request, carry_out: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Carry out a call, unless something comes in between."""
        weather, draw = self.weather, self._random()
        self.calls += 1
        self._scheduler.sleep(weather.latency * 2 * self._random())
        if self._scheduler.is_late:
            raise CrashError
        for probability, fate in (
            (weather.error_before, self._never_arrives),
            (weather.lost_answer, self._loses_the_answer),
            (weather.late, self._arrives_late),
            (weather.crash, self._crashes),
            (weather.slow_transaction, self._takes_its_time),
        ):
            if draw < probability:
                return fate(operation, request, carry_out)
            draw -= probability
        return carry_out()

    def fail(self) -> None:
        """Let DynamoDB answer next to nothing."""
        self.weather = replace(self.weather, error_before=0.9)

    def recover(self) -> None:
        """Let DynamoDB answer again as it did before."""
        self.weather = replace(self.weather, error_before=self._usual.error_before)

    def expose_to(self, weather: Weather) -> None:
        """Let everything have this weather from now on."""
        self.weather = self._usual = weather

    def _never_arrives(self, _operation: str, _request: Request, _carry_out: object) -> dict[str, Any]:
        raise EndpointConnectionError(endpoint_url="dynamodb")

    def _loses_the_answer(self, _operation: str, _request: Request, carry_out: Callable[[], Any]) -> dict[str, Any]:
        carry_out()
        self._scheduler.sleep(_GIVES_UP_AFTER)
        raise ReadTimeoutError(endpoint_url="dynamodb")

    def _arrives_late(self, operation: str, _request: Request, carry_out: Callable[[], Any]) -> dict[str, Any]:
        if operation in _WRITES:
            self._scheduler.at(_GIVES_UP_AFTER + 60 * self._random() ** 4, lambda: _quietly(carry_out))
        self._scheduler.sleep(_GIVES_UP_AFTER)
        raise ReadTimeoutError(endpoint_url="dynamodb")

    def _crashes(self, _operation: str, _request: Request, carry_out: Callable[[], Any]) -> dict[str, Any]:
        if self._random() < 0.5:
            _quietly(carry_out)
        raise CrashError

    def _takes_its_time(
        self, operation: str, request: Request, carry_out: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        if operation != "TransactWriteItems":
            return carry_out()
        finish = begin_transaction(self._replica, request)
        self._scheduler.sleep(10 * self.weather.latency * self._random())
        return finish()


def _quietly(carry_out: Callable[[], Any]) -> None:
    with suppress(ClientError, InvalidRequestError):
        carry_out()
