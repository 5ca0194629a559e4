"""An interpreter of Amazon States Language with JSONata, as far as the program's state machines go.

Anything but the types of states and the fields that are named below raises NotImplementedError, so that a
definition that outgrows it is noticed. JSONata is evaluated by the library that stands for Step Functions' own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from jsonata import Jsonata
from jsonata.jexception import JException

from tests.simulation.faults import CrashError

Evaluate = Callable[[Mapping[str, Any]], Any]
"""Evaluates one expression over `$states`; None is nothing."""
Task = Callable[[str, Mapping[str, Any]], Any]
"""Carries out a resource with its arguments."""

_IMPLEMENTED: Final = frozenset(
    {
        *("Type", "Next", "End", "Comment", "Resource", "Arguments", "TimeoutSeconds", "Output", "Retry", "Catch"),
        *("Choices", "Default", "Seconds", "Error", "Cause"),
    }
)
_PATH: Final = re.compile(r"\$states((?:\.\w+)+)")
_EXPECTATION: Final = re.compile(
    r"\$states((?:\.\w+)+) in \[((?:'\w+'(?:, )?)+)\] \? \$states((?:\.\w+)+) : \$error\(\$string\(\$states\1\)\)"
)


class StateError(Exception):
    """A state ended in an error of this name."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause


class Failure(NamedTuple):
    """How an execution failed, and in which state."""

    error: str
    state: str


class StateMachine:
    """A definition that can be run, in the time of whoever runs it."""

    def __init__(
        self,
        definition: Mapping[str, Any],
        *,
        task: Task,
        sleep: Callable[[float], None],
        jitter: Callable[[], float],
    ) -> None:
        self._states: Mapping[str, Mapping[str, Any]] = definition["States"]
        self._start: str = definition["StartAt"]
        self._task = task
        self._sleep = sleep
        self._jitter = jitter
        unknown = {field for state in self._states.values() for field in state} - _IMPLEMENTED
        if unknown or definition.get("QueryLanguage") != "JSONata":
            raise NotImplementedError(", ".join(sorted(unknown)) or "JSONPath")

    def run(self, data: Any, context: Mapping[str, Any]) -> str | Failure:
        """Return the state in which the execution succeeded, or how it failed."""
        name: str = self._start
        for _ in range(_MOST_STATES):
            state = self._states[name]
            kind = state["Type"]
            if kind == "Fail":
                return Failure(state.get("Error", name), name)
            try:
                following, data = self._pass_through(kind, state, data, context)
            except StateError as error:
                return Failure(error.error, name)
            if following is None:
                return name
            name = following
        return Failure("the execution goes round in circles", name)

    def _pass_through(
        self, kind: str, state: Mapping[str, Any], data: Any, context: Mapping[str, Any]
    ) -> tuple[str | None, Any]:
        match kind:
            case "Task":
                return self._run_task(state, data, context)
            case "Choice":
                for rule in state["Choices"]:
                    if evaluate(rule["Condition"], {"input": data, "context": context}) is True:
                        return rule["Next"], evaluate(rule.get("Output", _INPUT), {"input": data, "context": context})
                return state["Default"], data
            case "Wait":
                self._sleep(state["Seconds"])
            case "Pass" | "Succeed":
                pass
            case other:
                raise NotImplementedError(other)
        return state.get("Next"), evaluate(state.get("Output", _INPUT), {"input": data, "context": context})

    def _run_task(self, state: Mapping[str, Any], data: Any, context: Mapping[str, Any]) -> tuple[str | None, Any]:
        counts = [0] * len(state.get("Retry", ()))
        while True:
            try:
                return state.get("Next"), self._attempt(state, data, context)
            except StateError as failure:
                pause = _pause_before_retry(state.get("Retry", ()), counts, failure.error)
                if pause is not None:
                    self._sleep(pause * self._jitter())
                    continue
                for catch in state.get("Catch", ()):
                    if _matches(catch["ErrorEquals"], failure.error):
                        error = {"Error": failure.error, "Cause": failure.cause}
                        states = {"input": data, "context": context, "errorOutput": error}
                        return catch["Next"], evaluate(catch.get("Output", "{% $states.errorOutput %}"), states)
                raise

    def _attempt(self, state: Mapping[str, Any], data: Any, context: Mapping[str, Any]) -> Any:
        arguments = evaluate(state["Arguments"], {"input": data, "context": context})
        try:
            result = self._task(state["Resource"], arguments)
        except CrashError as crash:
            raise StateError("Lambda.Unknown", "the process was killed") from crash
        except Exception as error:
            raise StateError(type(error).__name__, str(error)) from error
        states = {"input": data, "context": context, "result": result}
        return evaluate(state.get("Output", "{% $states.result %}"), states)


def evaluate(template: Any, states: Mapping[str, Any]) -> Any:
    """Return a template with its expressions evaluated; raises StateError as Step Functions does."""
    match template:
        case Mapping():
            return {key: evaluate(value, states) for key, value in template.items()}
        case list():
            return [evaluate(element, states) for element in template]
        case str() if template.startswith("{%") and template.endswith("%}"):
            return _evaluated(template[2:-2].strip(), states)
        case _:
            return template


def _evaluated(expression: str, states: Mapping[str, Any]) -> Any:
    try:
        value = _prepared(expression)(states)
    except JException as error:
        raise StateError(_QUERY_FAILED, str(error)) from error
    if value is None:
        raise StateError(_QUERY_FAILED, f"{expression} is nothing")
    return value


@lru_cache(maxsize=256)
def _prepared(expression: str) -> Evaluate:
    """Return what evaluates an expression: the library would take its time for the two kinds that most of them are."""
    if path := _PATH.fullmatch(expression):
        return _along(path[1])
    if expectation := _EXPECTATION.fullmatch(expression):
        return _expecting(_along(expectation[1]), expectation[2].replace("'", "").split(", "), _along(expectation[3]))
    return by_the_library(expression)


def by_the_library(expression: str) -> Evaluate:
    """Return what evaluates any expression."""
    parsed = Jsonata.jsonata(expression)
    return lambda states: parsed.evaluate(None, {"states": states})


def _along(path: str) -> Evaluate:
    parts = path.split(".")[1:]

    def follow(states: Mapping[str, Any]) -> Any:
        value: Any = states
        for part in parts:
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    return follow


def _expecting(found: Evaluate, names: Sequence[str], then: Evaluate) -> Evaluate:
    def check(states: Mapping[str, Any]) -> Any:
        answer = found(states)
        if answer not in names:
            raise StateError(_QUERY_FAILED, str(answer))
        return then(states)

    return check


def _pause_before_retry(retriers: Any, counts: list[int], error: str) -> float | None:
    for position, retrier in enumerate(retriers):
        if _matches(retrier["ErrorEquals"], error):
            if counts[position] >= retrier.get("MaxAttempts", 3):
                return None
            pause = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** counts[position]
            counts[position] += 1
            return min(pause, retrier.get("MaxDelaySeconds", pause))
    return None


def _matches(wanted: Any, error: str) -> bool:
    return error in wanted or "States.ALL" in wanted


_MOST_STATES: Final = 100
_INPUT: Final = "{% $states.input %}"
_QUERY_FAILED: Final = "States.QueryEvaluationError"
