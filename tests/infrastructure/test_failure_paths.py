"""Whatever takes in work gives up at some time, keeps what it gave up on, and raises an alarm."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import pytest

from local.recording import Graph, RecordedResource
from tests.policies.planting import CELL, Defect, gone, having, without

QUEUE: Final = "aws:sqs/queue:Queue"
TARGET: Final = "aws:cloudwatch/eventTarget:EventTarget"
SCHEDULE: Final = "aws:scheduler/schedule:Schedule"
INVOCATION: Final = "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"
MAPPING: Final = "aws:lambda/eventSourceMapping:EventSourceMapping"
MACHINE: Final = "aws:sfn/stateMachine:StateMachine"
ALARM: Final = "aws:cloudwatch/metricAlarm:MetricAlarm"

Resources = Sequence[RecordedResource]
Rule = Callable[[Resources], Iterator[str]]


def queues(resources: Resources) -> Iterator[str]:
    """A queue gives up after a bounded number of attempts to a queue that an alarm watches, or is such a queue."""
    by_arn = {queue.outputs["arn"]: queue for queue in of_type(resources, QUEUE)}
    watched = {value for _, _, value in watched_dimensions(resources, "AWS/SQS")}
    last_stops = {target.inputs.get("deadLetterConfig", {}).get("arn") for target in of_type(resources, TARGET)}
    last_stops |= {
        schedule.inputs["target"].get("deadLetterConfig", {}).get("arn") for schedule in of_type(resources, SCHEDULE)
    }
    parking = "".join(machine.inputs["definition"] for machine in of_type(resources, MACHINE))
    last_stops |= {arn for arn, queue in by_arn.items() if f'"QueueUrl": "{queue.outputs["url"]}"' in parking}
    for queue in by_arn.values():
        redrive = json.loads(queue.inputs.get("redrivePolicy") or "{}")
        if redrive:
            last_stops.add(redrive["deadLetterTargetArn"])
            if not 1 <= redrive["maxReceiveCount"] <= 10:
                yield f"{queue.name} tries {redrive['maxReceiveCount']} times"
            if redrive["deadLetterTargetArn"] not in by_arn:
                yield f"{queue.name} gives up to nowhere"
    for arn, queue in by_arn.items():
        # A token that nobody keeps is the next one's: it is never poison.
        token = queue.inputs["name"].startswith("meridian-tokens-")
        if arn not in last_stops and not queue.inputs.get("redrivePolicy") and not token:
            yield f"{queue.name} has no dead-letter queue"
        if queue.inputs["name"] not in watched:
            yield f"{queue.name} has no alarm"


def targets(resources: Resources) -> Iterator[str]:
    """A rule's target has a dead-letter queue, a bounded retry and an alarm on its rule."""
    watched = {value for _, key, value in watched_dimensions(resources, "AWS/Events") if key == "RuleName"}
    for target in of_type(resources, TARGET):
        retry = target.inputs.get("retryPolicy") or {}
        if not target.inputs.get("deadLetterConfig"):
            yield f"{target.name} has no dead-letter queue"
        if not (0 < retry.get("maximumRetryAttempts", 0) <= 185 and retry.get("maximumEventAgeInSeconds")):
            yield f"{target.name} retries without bounds"
        if target.inputs["rule"] not in watched:
            yield f"{target.name} has no alarm"


def schedules(resources: Resources) -> Iterator[str]:
    """A scheduled run that is lost on the way or in the function ends in a queue, after bounded attempts."""
    watched = {value for _, key, value in watched_dimensions(resources, "AWS/Scheduler") if key == "ScheduleGroup"}
    handed_over = {
        f"{config.inputs['functionName']}:{config.inputs['qualifier']}": config
        for config in of_type(resources, INVOCATION)
    }
    for schedule in of_type(resources, SCHEDULE):
        target = schedule.inputs["target"]
        retry = target.get("retryPolicy") or {}
        if not target.get("deadLetterConfig"):
            yield f"{schedule.name} has no dead-letter queue"
        if not (0 < retry.get("maximumRetryAttempts", 0) <= 185 and retry.get("maximumEventAgeInSeconds")):
            yield f"{schedule.name} retries without bounds"
        if schedule.inputs["groupName"] not in watched:
            yield f"{schedule.name} has no alarm"
        config = handed_over.get(target["arn"].partition(":function:")[2])
        if config is None or not config.inputs.get("destinationConfig") or "maximumRetryAttempts" not in config.inputs:
            yield f"{schedule.name} runs a function that drops what it could not do"


def consumers(resources: Resources) -> Iterator[str]:
    """A stream's consumer isolates and keeps what it can not handle, after bounded attempts, and raises an alarm."""
    alarmed = {value for name, _, value in watched_dimensions(resources, "AWS/Lambda") if "Event" in name}
    ids = {mapping.urn: mapping.outputs.get("uuid") or mapping.id for mapping in of_type(resources, MAPPING)}
    for mapping in of_type(resources, MAPPING):
        if "/stream/" not in str(mapping.inputs["eventSourceArn"]):
            continue
        if not 0 < mapping.inputs.get("maximumRetryAttempts", -1) <= 100:
            yield f"{mapping.name} retries without bounds"
        if not mapping.inputs.get("bisectBatchOnFunctionError"):
            yield f"{mapping.name} lets one record block its shard"
        if not mapping.inputs.get("destinationConfig"):
            yield f"{mapping.name} has no failure destination"
        if ids[mapping.urn] not in alarmed:
            yield f"{mapping.name} has no alarm"


def machines(resources: Resources) -> Iterator[str]:
    """A state machine's tasks end in time and retry with bounds, and a failed execution raises an alarm."""
    watched = {(name, value) for name, _, value in watched_dimensions(resources, "AWS/States")}
    for machine in of_type(resources, MACHINE):
        for name, state in json.loads(machine.inputs["definition"])["States"].items():
            if state["Type"] != "Task":
                continue
            if "TimeoutSeconds" not in state:
                yield f"{name} has no time limit"
            if not state.get("Retry") or any("MaxAttempts" not in retry for retry in state["Retry"]):
                yield f"{name} retries without bounds"
        for metric in ("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"):
            if (metric, machine.outputs["arn"]) not in watched:
                yield f"{machine.name} has no alarm on {metric}"


RULES: Final[Mapping[str, Rule]] = {rule.__name__: rule for rule in (queues, targets, schedules, consumers, machines)}
PLANTED: Final[Mapping[str, Sequence[Defect]]] = {
    "queues": [
        without(QUEUE, "redrivePolicy", named="checkout-commands-queue"),
        gone(ALARM),
        having(
            QUEUE,
            "redrivePolicy",
            json.dumps({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:123456789012:gone", "maxReceiveCount": 5}),
            named="checkout-commands-queue",
        ),
    ],
    "targets": [without(TARGET, "deadLetterConfig"), without(TARGET, "retryPolicy"), gone(ALARM)],
    "schedules": [
        without(SCHEDULE, "target.deadLetterConfig"),
        without(SCHEDULE, "target.retryPolicy"),
        having(SCHEDULE, "target.retryPolicy.maximumRetryAttempts", 186),
        without(INVOCATION, "destinationConfig"),
        without(INVOCATION, "maximumRetryAttempts"),
        gone(INVOCATION),
        gone(ALARM),
    ],
    "consumers": [
        without(MAPPING, "destinationConfig", named="outbox"),
        having(MAPPING, "maximumRetryAttempts", -1, named="outbox"),
        having(MAPPING, "bisectBatchOnFunctionError", value=False, named="outbox"),
        gone(ALARM),
    ],
    "machines": [
        having(MACHINE, "definition", json.dumps({"States": {"Reserve": {"Type": "Task", "Retry": [{}]}}})),
        gone(ALARM),
    ],
}


@pytest.mark.parametrize("rule", RULES)
def test_every_way_that_work_comes_in_fails_safely(cell_graphs: Mapping[str, Graph], rule: str) -> None:
    for graph in cell_graphs.values():
        assert list(RULES[rule](list(graph))) == []


def test_every_rule_is_seen_to_fail() -> None:
    assert PLANTED.keys() == RULES.keys()


@pytest.mark.parametrize(
    ("rule", "defect"),
    [
        pytest.param(rule, defect, id=f"{rule}: {defect.what}")
        for rule, defects in PLANTED.items()
        for defect in defects
    ],
)
def test_a_planted_defect_is_caught(graphs: Mapping[str, Graph], rule: str, defect: Defect) -> None:
    assert list(RULES[rule](defect.plant(list(graphs[CELL]))))


def of_type(resources: Resources, type_: str) -> list[RecordedResource]:
    return [resource for resource in resources if resource.type == type_]


def watched_dimensions(resources: Resources, namespace: str) -> Iterator[tuple[str, str, Any]]:
    """Yield metric, dimension and value of whatever an alarm looks at."""
    for alarm in of_type(resources, ALARM):
        queries = [query["metric"] for query in alarm.inputs.get("metricQueries", []) if "metric" in query]
        for metric in queries or [alarm.inputs]:
            if metric.get("namespace") == namespace:
                for key, value in metric["dimensions"].items():
                    yield metric["metricName"], key, value
