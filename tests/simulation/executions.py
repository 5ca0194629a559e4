"""Step Functions: executions of one state machine, each under a name that is taken once and for all."""

from __future__ import annotations

import json
from typing import Any

from botocore.errorfactory import BaseClientExceptions
from botocore.exceptions import ReadTimeoutError

from tests.simulation.dynamodb.errors import error, exceptions_of
from tests.simulation.faults import Weather
from tests.simulation.scheduler import Scheduler
from tests.simulation.state_machine import Failure, StateMachine


class Execution:
    """A saga on its way."""

    def __init__(self, name: str, text: str, now: float) -> None:
        self.name = name
        self.input = text
        self.started = now
        self.ended: float | None = None
        self.end: str | Failure | None = None
        """The state in which it ended; None while it runs."""


class Executions:
    """Step Functions in one Region, as its clients see it."""

    def __init__(self, machine: StateMachine, scheduler: Scheduler, weather: Weather) -> None:
        self.weather = weather
        self.all: dict[str, Execution] = {}
        self._machine = machine
        self._scheduler = scheduler

    @property
    def exceptions(self) -> BaseClientExceptions:
        """Return the classes of the errors, as on every client."""
        return exceptions_of("stepfunctions")

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:  # noqa: A002, ARG002, N803 - the names of the API
        """Answer StartExecution: under a name that runs with the same input it changes nothing."""
        draw = self._scheduler.random.random()
        if draw < self.weather.error_before:
            raise error("ThrottlingException", "Rate exceeded", "StartExecution", service="stepfunctions")
        known = self.all.get(name)
        if known is None:
            self.all[name] = execution = Execution(name, input, self._scheduler.now)
            self._scheduler.spawn(lambda: self._run(execution), self.weather.latency)
        elif known.end is not None or known.input != input:
            message = f"Execution Already Exists: '{name}'"
            raise error("ExecutionAlreadyExists", message, "StartExecution", service="stepfunctions")
        if draw > 1 - self.weather.lost_answer:
            raise ReadTimeoutError(endpoint_url="stepfunctions")
        return {"executionArn": name}

    def _run(self, execution: Execution) -> None:
        data = json.loads(execution.input)
        context = {"Execution": {"Name": execution.name, "Id": f"arn:{execution.name}", "Input": data}}
        execution.end = self._machine.run(data, context)
        execution.ended = self._scheduler.now
