"""Runs the states that the saga uses (Task, Fail), with JSONata, retries and catches, and without the waits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jsonata import Jsonata
from jsonata.jexception import JException


@dataclass(frozen=True)
class Throws:
    """A step that never answers."""

    error: str


@dataclass
class LostAnswer:
    """A step that does its work, but whose answer is lost some times."""

    outcome: str
    times: int


@dataclass
class Execution:
    """What happened in an execution."""

    steps: list[str]
    """The steps that were asked for, repetitions included."""
    states: list[str]
    """The states that were entered: what Step Functions charges for, besides repetitions."""
    sent: list[dict[str, Any]]
    """The bodies of the messages that were sent to queues."""
    waited_seconds: float = 0.0


class ExecutionFailedError(Exception):
    """An execution ended in a Fail state, or in an error that no state caught."""

    def __init__(self, execution: Execution, error: str) -> None:
        super().__init__(f"{execution.states[-1]}: {error}")
        self.execution = execution
        self.error = error


class _StateError(Exception):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def run(machine: Mapping[str, Any], data: dict[str, Any], answers: Mapping[str, object]) -> Execution:
    """Run an execution to its end; raises ExecutionFailedError."""
    execution = Execution([], [], [])
    name: str | None = machine["StartAt"]
    while name is not None:
        execution.states.append(name)
        assert len(execution.states) < 100, f"the execution goes round in circles: {execution.states}"
        state = machine["States"][name]
        match state["Type"]:
            case "Task":
                name, data = _task(state, data, answers, execution)
            case "Fail":
                raise ExecutionFailedError(execution, state["Error"])
            case other:
                raise NotImplementedError(other)
    return execution


def _task(
    state: Mapping[str, Any], data: dict[str, Any], answers: Mapping[str, object], execution: Execution
) -> tuple[str | None, dict[str, Any]]:
    retried: dict[int, int] = {}
    while True:
        try:
            return state.get("Next"), _attempt(state, data, answers, execution)
        except _StateError as error:
            index = next((i for i, retry in enumerate(state["Retry"]) if _matches(retry, error.name)), None)
            retry = state["Retry"][index] if index is not None else {}
            if index is not None and retried.get(index, 0) < retry["MaxAttempts"]:
                delay = retry["IntervalSeconds"] * retry["BackoffRate"] ** retried.get(index, 0)
                # Full jitter waits half of it on average.
                execution.waited_seconds += min(delay, retry["MaxDelaySeconds"]) / 2
                retried[index] = retried.get(index, 0) + 1
                continue
            for catch in state.get("Catch", []):
                if _matches(catch, error.name):
                    return catch["Next"], _evaluate(catch["Output"], data, errorOutput={"Error": error.name})
            raise ExecutionFailedError(execution, error.name) from error


def _attempt(
    state: Mapping[str, Any], data: dict[str, Any], answers: Mapping[str, object], execution: Execution
) -> dict[str, Any]:
    arguments = _evaluate(state["Arguments"], data)
    if state["Resource"].endswith(":sqs:sendMessage"):
        execution.sent.append(arguments["MessageBody"])
        return data
    step = arguments["Payload"]["step"]
    execution.steps.append(step)
    return _evaluate(state["Output"], data, result={"Payload": {"outcome": _outcome(answers[step])}})


def _matches(rule: Mapping[str, Any], error: str) -> bool:
    return error in rule["ErrorEquals"] or "States.ALL" in rule["ErrorEquals"]


def _outcome(answer: object) -> str:
    match answer:
        case str(outcome):
            return outcome
        case LostAnswer(outcome=outcome, times=0):
            return outcome
        case LostAnswer():
            answer.times -= 1
            raise _StateError("Lost")
        case Throws(error=error):
            raise _StateError(error)
        case list():
            return _outcome(answer.pop(0) if len(answer) > 1 else answer[0])
        case _:
            raise TypeError(answer)


def _evaluate(template: Any, data: dict[str, Any], **states: Any) -> Any:
    match template:
        case Mapping():
            return {key: _evaluate(value, data, **states) for key, value in template.items()}
        case str() if template.startswith("{%"):
            bindings = {"states": {"input": data, "context": {"Execution": {"Id": "execution-1"}}, **states}}
            try:
                value = Jsonata.jsonata(template[2:-2].strip()).evaluate(None, bindings)
            except JException as error:
                raise _StateError("States.QueryEvaluationError") from error
            if value is None:
                raise _StateError("States.QueryEvaluationError")
            return value
        case _:
            return template
