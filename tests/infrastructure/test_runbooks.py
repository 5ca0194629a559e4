"""Whoever is called finds the alarm in a runbook, and its lines ask for what there is."""

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import boto3
import pytest
from botocore import xform_name

from local.paths import ROOT
from local.recording import Graph

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
RUNBOOKS = ROOT / "docs" / "runbooks"
OF_CHECKOUT = ("checkout-", "tokens-", "entry-api-", "unpublished-", "event-target-", "forward-to-")


# What the command line has of its own (AWS CLI Command Reference); all else is an operation of the service.
OF_THE_COMMAND_LINE = {
    "logs tail": {"since", "filter-pattern", "follow"},
    "s3 cp": set[str](),
    "s3 rm": set[str](),
}
GLOBAL_OPTIONS = {"query", "output", "region"}
SERVICES = {"s3api": "s3"}


def patterns(runbook: str) -> set[str]:
    """Return the names of alarms that a runbook knows: a `-end` belongs to the name before it."""
    found: set[str] = set()
    before = ""
    for name in re.findall(r"`(-?[a-z][a-z0-9*-]*)`", runbook):
        if name.startswith("-"):
            found |= {f"{before.rsplit('-', count)[0]}{name}" for count in (1, 2)}
        else:
            before = name
            found.add(name)
    return found


def missing(alarms: set[str], runbook: str) -> set[str]:
    known = patterns((RUNBOOKS / runbook).read_text(encoding="utf-8"))
    return {name for name in alarms if not any(fnmatchcase(name, pattern) for pattern in known)}


def test_every_alarm_of_checkout_is_in_its_runbook(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        alarms = {a.inputs["name"].removeprefix("meridian-") for a in graph.of_type(ALARM)}
        mine = {name for name in alarms if name.startswith(OF_CHECKOUT)}

        assert mine
        assert missing(mine, "checkout.md") == set()


def test_every_other_alarm_is_in_the_runbook_of_points_and_views(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        alarms = {a.inputs["name"].removeprefix("meridian-") for a in graph.of_type(ALARM)}
        others = {name for name in alarms if not name.startswith(OF_CHECKOUT)}

        assert others
        assert missing(others, "points-and-views.md") == set()


def texts() -> Iterator[str]:
    """Yield each runbook with its continued lines as one."""
    for path in sorted(RUNBOOKS.glob("*.md")):
        yield re.sub(r"\\\n\s*", "", path.read_text(encoding="utf-8"))


def commands(text: str) -> Iterator[tuple[str, str, set[str]]]:
    """Yield service, operation and options of each call of the command line."""
    for call in re.finditer(
        r"(?:^ +|\$\(|`|&& |\{ )aws ([a-z0-9]+[a-z0-9-]*) ([a-z0-9-]+)((?:[^|&`\n]|\|\|)*)", text, re.MULTILINE
    ):
        yield call[1], call[2], set(re.findall(r"(?<=\s)--([a-z][a-z-]*)", call[3]))


@pytest.mark.parametrize("text", list(texts()), ids=[path.stem for path in sorted(RUNBOOKS.glob("*.md"))])
def test_every_command_of_a_runbook_is_one_of_its_service_with_all_that_it_needs(text: str) -> None:
    for service, operation, options in commands(text):
        known = f"{service} {operation}"
        if known in OF_THE_COMMAND_LINE:
            assert options <= OF_THE_COMMAND_LINE[known] | GLOBAL_OPTIONS, known
            continue
        shape = input_shape(SERVICES.get(service, service), operation)
        takes = {xform_name(name, "-") for name in shape.members}
        assert options <= takes | GLOBAL_OPTIONS, known
        assert {xform_name(name, "-") for name in shape.required_members} <= options, known


def input_shape(service: str, operation: str) -> Any:
    client = boto3.Session().client(service, region_name="us-east-1")  # pyright: ignore[reportCallIssue, reportArgumentType]
    names = {xform_name(name, "-"): name for name in client.meta.service_model.operation_names}
    assert operation in names, f"{service} has no {operation}"
    return client.meta.service_model.operation_model(names[operation]).input_shape


def test_runbooks_name_queues_functions_logs_and_tables_that_there_are(
    cell_graphs: Mapping[str, Graph], global_graph: Graph
) -> None:
    graph = next(iter(cell_graphs.values()))

    def names(type_: str, of: Graph) -> set[str]:
        return {resource.inputs["name"] for resource in of.of_type(type_)}

    there = {
        r"\$\(queue ([a-z-]+)\)": {n.removeprefix("meridian-") for n in names("aws:sqs/queue:Queue", graph)},
        r"sqs:\$AWS_REGION:\$account:([a-z-]+)": names("aws:sqs/queue:Queue", graph),
        r"--function-name ([a-z-]+)": names("aws:lambda/function:Function", graph),
        r"aws logs tail ([/a-z-]+)": names("aws:cloudwatch/logGroup:LogGroup", graph),
        r"--table-name ([a-z-]+)": names("aws:dynamodb/table:Table", global_graph),
        r"stateMachine:([a-z-]+)|execution:([a-z-]+):": names("aws:sfn/stateMachine:StateMachine", graph),
    }
    for pattern, known in there.items():
        for text in texts():
            # A name that ends with a dash goes on with what the reader fills in.
            asked = {"".join(match.groups(default="")) for match in re.finditer(pattern, text)}
            assert {name for name in asked if not name.endswith("-")} <= known, pattern
