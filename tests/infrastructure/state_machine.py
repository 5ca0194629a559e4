"""Runs the states that the saga uses (Task, Choice, Pass, Succeed), with retries and catches, and without the waits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Throws:
    """A step that never answers."""

    error: str


@dataclass
class LostAnswer:
    """A step that does its work, but whose answer is lost some times."""

    outcome: str
    times: int


class ExecutionFailedError(Exception):
    """An execution ended in an error that no state caught."""

    def __init__(self, state: str, error: str, waited_seconds: float) -> None:
        super().__init__(f"{state}: {error} after {waited_seconds:.0f} s")
        self.state = state
        self.waited_seconds = waited_seconds


class _StepError(Exception):
    pass


def run(
    machine: Mapping[str, Any], data: dict[str, Any], answers: Mapping[str, object]
) -> tuple[list[str], dict[str, Any], str]:
    """Return the steps that were invoked, the data at the end and the state that ended it."""
    invoked: list[str] = []
    name: str = machine["StartAt"]
    for _ in range(100):
        state = machine["States"][name]
        match state["Type"]:
            case "Task":
                name = _task(name, state, data, answers, invoked)
            case "Choice":
                name = _choice(state, data)
            case "Pass":
                value = state["Result"] if "Result" in state else _at(data, state["InputPath"])
                data = {**data, state["ResultPath"].removeprefix("$."): value}
                name = state["Next"]
            case "Succeed":
                return invoked, data, name
            case other:
                raise NotImplementedError(other)
    raise AssertionError(f"the execution goes round in circles: {invoked}")


def _task(
    name: str, state: Mapping[str, Any], data: dict[str, Any], answers: Mapping[str, object], invoked: list[str]
) -> str:
    step: str = state["Parameters"]["Payload"]["step"]
    for path in (value for key, value in state["Parameters"]["Payload"].items() if key.endswith(".$")):
        _at(data, path)
    (retry,) = state["Retry"]
    delay, waited = retry["IntervalSeconds"], 0.0
    for attempt in range(retry["MaxAttempts"] + 1):
        invoked.append(step)
        try:
            data[state["ResultPath"].removeprefix("$.")] = {"outcome": _outcome(answers[step])}
        except _StepError as error:
            if attempt == retry["MaxAttempts"]:
                return _caught(name, state, str(error), waited)
            # Full jitter waits half of it on average.
            waited += min(delay, retry["MaxDelaySeconds"]) / 2
            delay *= retry["BackoffRate"]
        else:
            return state["Next"]
    raise AssertionError("unreachable")


def _outcome(answer: object) -> str:
    match answer:
        case str(outcome):
            return outcome
        case LostAnswer(outcome=outcome, times=0):
            return outcome
        case LostAnswer():
            answer.times -= 1
            raise _StepError("lost")
        case Throws(error=error):
            raise _StepError(error)
        case _:
            raise TypeError(answer)


def _caught(name: str, state: Mapping[str, Any], error: str, waited: float) -> str:
    for catch in state.get("Catch", []):
        if "States.ALL" in catch["ErrorEquals"]:
            return catch["Next"]
    raise ExecutionFailedError(name, error, waited)


def _choice(state: Mapping[str, Any], data: dict[str, Any]) -> str:
    for choice in state["Choices"]:
        if _at(data, choice["Variable"]) == choice["StringEquals"]:
            return choice["Next"]
    return state["Default"]


def _at(data: dict[str, Any], path: str) -> Any:
    """Raise KeyError where the data lacks what a state wants: on Step Functions the execution would fail."""
    value: Any = data
    for part in path.removeprefix("$.").split("."):
        value = value[part]
    return value
