"""The stage of the entry API: its logs, its throttle, and what it may call."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from local.recording import Graph
from tests.infrastructure.entry_api.requests import operations
from tests.infrastructure.inspection import statements


def test_a_new_document_is_a_new_deployment(cell_graphs: Mapping[str, Graph]) -> None:
    """What a deployment is of is the document as the program renders it: the text that is the API's body."""
    for graph in cell_graphs.values():
        (api,) = graph.of_type("aws:apigateway/restApi:RestApi")
        (deployment,) = graph.of_type("aws:apigateway/deployment:Deployment")

        rendered = hashlib.sha256(api.inputs["body"].encode()).hexdigest()

        assert deployment.inputs["triggers"] == {"document": rendered}


def test_the_stage_is_logged_traced_throttled_and_keeps_bodies_to_itself(cell: Graph) -> None:
    (stage,) = cell.of_type("aws:apigateway/stage:Stage")
    (methods,) = cell.of_type("aws:apigateway/methodSettings:MethodSettings")
    line = json.loads(stage.inputs["accessLogSettings"]["format"])

    assert stage.inputs["xrayTracingEnabled"] is True
    assert {"requestId", "status", "resourcePath", "integrationLatency", "principalType"} <= line.keys()
    assert not [name for name, value in line.items() if "customerId" in value or "path" in value.split(".")]
    settings = methods.inputs["settings"]
    assert settings["throttlingRateLimit"] == 500
    assert settings["throttlingBurstLimit"] == 1000
    assert settings["metricsEnabled"] is True
    assert settings["dataTraceEnabled"] is False


def test_both_logs_of_the_stage_are_kept_for_a_time_and_encrypted(cell: Graph) -> None:
    (api,) = cell.of_type("aws:apigateway/restApi:RestApi")
    groups = {group.inputs["name"]: group.inputs for group in cell.of_type("aws:cloudwatch/logGroup:LogGroup")}

    for name in ("/meridian/entry-api/access", f"API-Gateway-Execution-Logs_{api.id}/live"):
        assert groups[name]["retentionInDays"] == 30
        assert groups[name]["kmsKeyId"]


def test_the_log_role_is_set_before_the_stage_and_stays_when_the_cell_goes(cell: Graph) -> None:
    (account,) = cell.of_type("aws:apigateway/account:Account")
    (stage,) = cell.of_type("aws:apigateway/stage:Stage")
    role = cell.named("aws:iam/role:Role", "meridian-entry-api-log-role")

    assert account.retain_on_delete
    assert role.retain_on_delete
    assert account.urn in stage.dependencies


def test_a_function_is_invoked_by_its_own_operations_only(cell: Graph, body: Mapping[str, Any]) -> None:
    (api,) = cell.of_type("aws:apigateway/restApi:RestApi")
    prefix = api.outputs["executionArn"]
    granted = {
        (p.inputs["function"], p.inputs["sourceArn"].removeprefix(prefix))
        for p in cell.of_type("aws:lambda/permission:Permission")
    }
    proxied = {
        (
            op["x-amazon-apigateway-integration"]["uri"].split(":function:")[1].split(":")[0],
            f"/live/{name.replace(' ', '', 1)}",
        )
        for name, op in operations(body)
        if op["x-amazon-apigateway-integration"]["type"] == "aws_proxy"
    }

    assert granted == {(f, re.sub(r"\{[^}]+\}", "*", path)) for f, path in proxied} | {
        ("meridian-identity-authorizer", "/authorizers/*")
    }
    assert {p.inputs["qualifier"] for p in cell.of_type("aws:lambda/permission:Permission")} == {"live"}


def test_the_gateway_puts_these_commands_onto_this_bus_and_nothing_else(cell: Graph, body: Mapping[str, Any]) -> None:
    (put,) = [s for s in statements(cell) if s.document.get("Sid") == "PutCommands"]
    direct = [
        op["x-amazon-apigateway-integration"]
        for _, op in operations(body)
        if op["x-amazon-apigateway-integration"]["type"] == "aws"
    ]

    assert put.conditions["StringEquals"]["events:detail-type"] == [
        "PlaceOrder",
        "SetPrice",
        "SetAllotment",
        "SetSellingMode",
        "TransferAllotment",
        "StopSelling",
        "ResumeSelling",
    ]
    assert {integration["credentials"] for integration in direct} == {
        "arn:aws:iam::123456789012:role/meridian-entry-api-put-events-us-east-1"
    }
