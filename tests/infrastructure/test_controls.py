"""The table of AWS Foundational Security Best Practices is complete and true, and what no rule holds is held here."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from local.program import ROOT
from local.recording import Graph
from policies import controls
from policies.rules import RULES

# https://docs.aws.amazon.com/securityhub/latest/userguide/fsbp-standard.html, of the services that the program uses.
STANDARD: Mapping[str, tuple[int, ...]] = {
    "APIGateway": (1, 2, 3, 4, 5, 8, 9),
    "Cognito": (2, 3),
    "DynamoDB": (1, 2, 3, 6, 7),
    "EC2": (
        *(1, 2, 3, 4, 6, 7, 8, 9, 10, 15, 16, 17, 18, 19, 20, 21, 23, 24, 25, 51, 55, 56, 57, 58, 60),
        *(170, 171, 172, 173, 180, 181),
    ),
    "ECR": (1, 2, 3),
    "ECS": (1, 2, 3, 4, 5, 8, 9, 10, 12, 16),
    "EventBridge": (3,),
    "IAM": (1, 2, 3, 4, 5, 6, 7, 8, 21),
    "KMS": (1, 2, 3, 5),
    "Lambda": (1, 2, 5),
    "S3": (1, 2, 3, 5, 6, 8, 9, 12, 13, 19, 24, 25),
    "SNS": (4,),
    "SQS": (1, 3),
    "StepFunctions": (1,),
}


def types_without_an_entry(graphs: Mapping[str, Graph], table: controls.Controls) -> set[str]:
    declared = {resource.type for graph in graphs.values() for resource in graph if resource.custom}
    return {type_ for type_ in declared if not type_.startswith("pulumi:")} - set(table.types)


def test_every_type_of_the_program_has_an_entry_and_no_other(graphs: Mapping[str, Graph]) -> None:
    table = controls.read()
    declared = {resource.type for graph in graphs.values() for resource in graph}

    assert types_without_an_entry(graphs, table) == set()
    assert set(table.types) - declared == set()


@pytest.mark.parametrize("forgotten", ["aws:sqs/queue:Queue", "aws:kms/alias:Alias", "docker-build:index:Image"])
def test_a_new_type_is_found_missing(graphs: Mapping[str, Graph], forgotten: str) -> None:
    table = controls.read()
    types = {type_: entries for type_, entries in table.types.items() if type_ != forgotten}

    assert types_without_an_entry(graphs, table.model_copy(update={"types": types})) == {forgotten}


def test_every_control_of_these_services_was_looked_at() -> None:
    table = controls.read()
    answered = {id_ for type_ in table.types for id_ in table.on(type_)}

    assert answered & set(table.elsewhere) == set()
    assert answered | set(table.elsewhere) == {f"{service}.{n}" for service, ids in STANDARD.items() for n in ids}


def test_a_type_has_controls_or_says_why_it_has_none() -> None:
    for type_, entries in controls.read().types.items():
        assert entries, type_
        assert set(entries) == {"none"} or all(re.fullmatch(r"[A-Za-z0-9]+\.\d+", id_) for id_ in entries), type_


def test_controls_are_held_by_rules_that_look_at_the_type_or_its_surroundings() -> None:
    rules = {rule.name: rule for rule in RULES}
    services = {
        rule.name: {type_.split("/")[0] for type_ in rule.types}
        | ({"aws:s3"} if "Bucket" in str(rule.types) else set())
        for rule in RULES
    }
    table = controls.read()
    for type_ in table.types:
        for id_, control in table.on(type_).items():
            for name in control.rules:
                same_service = {type_.split("/")[0], *({"aws:ec2"} if type_.startswith("aws:vpc/") else ())}
                assert name in rules, f"{id_} names {name}, which is no rule"
                assert not rules[name].types or services[name] & same_service, f"{name} does not look at {type_}"


def test_controls_are_held_by_tests_that_exist() -> None:
    table = controls.read()
    for type_ in table.types:
        for control in table.on(type_).values():
            for test in control.tests:
                path, _, name = test.partition("::")
                assert f"\ndef {name}(" in (ROOT / path).read_text(encoding="utf-8"), test


def test_a_control_without_an_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="needs rules or tests, or else the reason"):
        controls.Control(title="Queues are encrypted")


def test_the_page_is_up_to_date() -> None:
    assert Path(controls.PAGE).read_text(encoding="utf-8") == controls.page(), "run `python -m policies.controls`"


# What no rule of the pack holds


def test_the_gateway_logs_failed_executions(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        for methods in graph.of_type("aws:apigateway/methodSettings:MethodSettings"):
            assert methods.inputs["methodPath"] == "*/*"
            assert methods.inputs["settings"]["loggingLevel"] in {"ERROR", "INFO"}


def test_the_gateway_caches_no_answer(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        for methods in graph.of_type("aws:apigateway/methodSettings:MethodSettings"):
            assert not methods.inputs["settings"].get("cachingEnabled")
        for stage in graph.of_type("aws:apigateway/stage:Stage"):
            assert not stage.inputs.get("cacheClusterEnabled")


def test_services_run_on_the_latest_platform(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        services = graph.of_type("aws:ecs/service:Service")

        assert services
        # 1.4.0 is the latest one for Linux, and pinned: a new one is tried before it runs everywhere.
        assert {service.inputs.get("platformVersion", "LATEST") for service in services} <= {"LATEST", "1.4.0"}


def test_every_container_writes_its_logs(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        groups = {group.inputs["name"] for group in graph.of_type("aws:cloudwatch/logGroup:LogGroup")}
        for task in graph.of_type("aws:ecs/taskDefinition:TaskDefinition"):
            for container in json.loads(task.inputs["containerDefinitions"]):
                logs = container["logConfiguration"]
                assert logs["logDriver"] == "awslogs"
                assert logs["options"]["awslogs-group"] in groups
