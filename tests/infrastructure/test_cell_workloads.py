"""What runs in a cell: functions and the service, what wakes them, and what they may do."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from local.recording import Graph, RecordedResource
from tests.infrastructure.inspection import PolicyStatement, statements

FUNCTION = "aws:lambda/function:Function"
MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
REGION = "us-east-1"

HANDLERS = {
    "meridian-identity-authorizer": "workloads.identity.entrypoints.authorizer.handler",
    "meridian-checkout-api": "workloads.checkout.entrypoints.api.handler",
    "meridian-checkout-sweeper": "workloads.checkout.entrypoints.sweeper.handler",
    "meridian-checkout-auditor": "workloads.checkout.entrypoints.auditor.handler",
    "meridian-checkout-availability": "workloads.checkout.entrypoints.availability.handler",
    "meridian-checkout-commands": "workloads.checkout.entrypoints.commands.handler",
    "meridian-checkout-hot-items": "workloads.checkout.entrypoints.hot_items.handler",
    "meridian-checkout-hot-items-clock": "workloads.checkout.entrypoints.hot_items_clock.handler",
    "meridian-checkout-operations": "workloads.checkout.entrypoints.operations.handler",
    "meridian-checkout-outbox": "workloads.checkout.entrypoints.outbox.handler",
    "meridian-checkout-saga-starter": "workloads.checkout.entrypoints.saga_starter.handler",
    "meridian-checkout-saga-steps": "workloads.checkout.entrypoints.saga_steps.handler",
    "meridian-loyalty-awards": "workloads.loyalty.entrypoints.awards.handler",
    "meridian-loyalty-outbox": "workloads.loyalty.entrypoints.outbox.handler",
    "meridian-singleview-updates": "workloads.singleview.entrypoints.updates.handler",
    "meridian-singleview-api": "workloads.singleview.entrypoints.api.handler",
}
TRIGGERS = {
    "checkout-availability": "sqs:us-east-1:123456789012:meridian-checkout-availability",
    "checkout-commands": "sqs:us-east-1:123456789012:meridian-checkout-commands",
    "checkout-hot-items": "sqs:us-east-1:123456789012:meridian-checkout-hot-items",
    "checkout-saga-starter": "sqs:us-east-1:123456789012:meridian-checkout-saga-start",
    "loyalty-awards": "sqs:us-east-1:123456789012:meridian-loyalty-purchases",
    "singleview-updates": "sqs:us-east-1:123456789012:meridian-single-view-updates",
    "checkout-outbox": "dynamodb:us-east-1:123456789012:table/meridian-checkout-outbox/stream/",
    "loyalty-outbox": "dynamodb:us-east-1:123456789012:table/meridian-loyalty-events/stream/",
}
CHECK = "dynamodb:ConditionCheckItem"


@pytest.fixture(scope="module")
def cell(cell_graphs: Mapping[str, Graph]) -> Graph:
    return cell_graphs[REGION]


def functions(cell: Graph) -> dict[str, RecordedResource]:
    return {function.inputs["name"]: function for function in cell.of_type(FUNCTION)}


def mappings(cell: Graph) -> dict[str, RecordedResource]:
    return {re.sub(r"^meridian-(.*)-trigger$", r"\1", mapping.name): mapping for mapping in cell.of_type(MAPPING)}


def permissions(cell: Graph, role: str) -> list[PolicyStatement]:
    return [s for s in statements(cell, "aws:iam/rolePolicy:RolePolicy") if s.resource.inputs["role"] == role]


def test_the_functions_are_these_and_begin_there(cell: Graph) -> None:
    begun = {name: function.inputs["imageConfig"]["commands"] for name, function in functions(cell).items()}

    assert begun == {name: [handler] for name, handler in HANDLERS.items()}


def test_every_function_runs_an_image_by_digest_from_its_own_region(cell_graphs: Mapping[str, Graph]) -> None:
    for region, graph in cell_graphs.items():
        for name, function in functions(graph).items():
            context = name.split("-")[1]
            image = function.inputs["imageUri"]
            assert re.search(rf"\.ecr\.{region}\.amazonaws\.com/meridian/{context}@sha256:[0-9a-f]{{64}}$", image)
            assert function.inputs["architectures"] == ["arm64"]


def test_every_function_is_published_and_called_by_its_alias(cell: Graph) -> None:
    aliases = {a.inputs["functionName"]: a for a in cell.of_type("aws:lambda/alias:Alias")}

    for name, function in functions(cell).items():
        assert function.inputs["publish"] is True
        assert aliases[name].inputs["name"] == "live"
        assert aliases[name].inputs["functionVersion"] == function.outputs["version"]


def test_every_function_is_traced_and_logs_json_into_a_group_that_ends(cell: Graph) -> None:
    groups = {group.inputs["name"]: group for group in cell.of_type("aws:cloudwatch/logGroup:LogGroup")}

    for name, function in functions(cell).items():
        assert function.inputs["tracingConfig"] == {"mode": "Active"}
        logging = function.inputs["loggingConfig"]
        assert logging["logFormat"] == "JSON"
        assert logging["logGroup"] == f"/aws/lambda/{name}"
        assert groups[logging["logGroup"]].inputs["retentionInDays"] == 30
        assert groups[logging["logGroup"]].inputs["kmsKeyId"]


def test_every_function_has_a_role_of_its_own_in_the_name_of_its_region(cell: Graph) -> None:
    roles = [function.inputs["role"] for function in cell.of_type(FUNCTION)]

    assert sorted(roles) == sorted(f"arn:aws:iam::123456789012:role/{name}-{REGION}" for name in HANDLERS)


def test_a_function_may_work_only_after_its_role_may(cell: Graph) -> None:
    for function in cell.of_type(FUNCTION):
        assert any("rolePolicy:RolePolicy" in urn for urn in function.dependencies)


def test_errors_and_throttles_of_every_function_raise_alarms(cell: Graph) -> None:
    watched = {
        (alarm.inputs["dimensions"]["FunctionName"], alarm.inputs["metricName"])
        for alarm in cell.of_type(ALARM)
        if alarm.inputs.get("namespace") == "AWS/Lambda"
    }

    assert {(name, metric) for name in HANDLERS for metric in ("Errors", "Throttles")} <= watched


def test_functions_are_woken_by_what_is_theirs(cell: Graph) -> None:
    woken = {name: mapping.inputs["eventSourceArn"] for name, mapping in mappings(cell).items()}

    assert woken.keys() == TRIGGERS.keys()
    for name, source in TRIGGERS.items():
        assert woken[name].startswith(f"arn:aws:{source}")
        assert mappings(cell)[name].inputs["functionName"].endswith(f":function:meridian-{name}:live")


def test_a_stream_has_one_consumer(cell: Graph) -> None:
    sources = [mapping.inputs["eventSourceArn"] for mapping in cell.of_type(MAPPING)]

    assert len(sources) == len(set(sources))


def test_every_consumer_reports_what_failed_of_its_batch(cell: Graph) -> None:
    for mapping in cell.of_type(MAPPING):
        assert mapping.inputs["functionResponseTypes"] == ["ReportBatchItemFailures"]


def test_a_stream_consumer_isolates_poison_and_keeps_it(cell: Graph) -> None:
    (bucket,) = cell.of_type("aws:s3/bucket:Bucket")
    for name in ("checkout-outbox", "loyalty-outbox"):
        declared = mappings(cell)[name].inputs
        assert declared["bisectBatchOnFunctionError"] is True
        assert declared["maximumRetryAttempts"] == 10
        assert declared["startingPosition"] == "TRIM_HORIZON"
        assert declared["destinationConfig"] == {"onFailure": {"destinationArn": bucket.outputs["arn"]}}


def test_poison_that_was_kept_raises_an_alarm(cell: Graph) -> None:
    for name in ("checkout-outbox", "loyalty-outbox"):
        alarm = cell.named(ALARM, f"meridian-{name}-unpublished")
        watched = [query["metric"] for query in alarm.inputs["metricQueries"] if "metric" in query]

        assert {metric["metricName"] for metric in watched} == {
            "OnFailureDestinationDeliveredEventCount",
            "DroppedEventCount",
        }
        # Without this Lambda does not send the metric.
        assert mappings(cell)[name].inputs["metricsConfig"] == {"metrics": ["EventCount"]}


def test_the_outbox_is_published_where_it_was_written(cell_graphs: Mapping[str, Graph]) -> None:
    for region, graph in cell_graphs.items():
        assert stream_filter(graph, "checkout-outbox") == {
            "eventName": ["INSERT"],
            "dynamodb": {"NewImage": {"originregion": {"S": [region]}}},
        }


def test_loyalty_hears_of_events_of_all_regions_and_of_no_guard(cell: Graph) -> None:
    assert stream_filter(cell, "loyalty-outbox") == {
        "eventName": ["INSERT"],
        "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "ACC#"}]}}},
    }


def test_keys_are_used_through_services_only(cell: Graph) -> None:
    for statement in statements(cell, "aws:iam/rolePolicy:RolePolicy"):
        if any(action.startswith("kms:") for action in statement.actions):
            assert "kms:ViaService" in statement.condition_keys, str(statement)


def test_the_steps_write_orders_wallets_and_stock_but_no_price(cell: Graph) -> None:
    (write,) = writes_of(cell, "checkout-saga-steps", "meridian-checkout")

    assert write.conditions["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] == [
        "ORDER#*",
        "WALLET#*",
        "ALLOTMENT#*",
        "TOKEN#*",
    ]


def test_the_starter_holds_units_and_pays_nothing(cell: Graph) -> None:
    (writes,) = writes_of(cell, "checkout-saga-starter", "meridian-checkout")
    checks = [s for s in permissions(cell, f"meridian-checkout-saga-starter-{REGION}") if s.actions == [CHECK]]

    assert writes.conditions["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] == ["ORDER#*", "ALLOTMENT#*", "TOKEN#*"]
    assert [s.conditions["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] for s in checks] == [["WALLET#*"]]


def test_only_what_sells_by_tokens_and_gives_them_back_writes_them(cell: Graph) -> None:
    writers = {
        name
        for name in functions(cell)
        for write in writes_of(cell, name.removeprefix("meridian-"), "meridian-checkout")
        if "TOKEN#*" in write.conditions["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    }

    assert writers == {
        "meridian-checkout-commands",
        "meridian-checkout-hot-items",
        "meridian-checkout-operations",
        "meridian-checkout-saga-starter",
        "meridian-checkout-saga-steps",
        "meridian-checkout-sweeper",
    }


def test_the_api_writes_neither_prices_nor_stock(cell: Graph) -> None:
    (write,) = writes_of(cell, "checkout-api", "meridian-checkout")

    keys = write.conditions["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    assert "PRICE#*" not in keys
    assert "ALLOTMENT#*" not in keys
    assert "LISTING#*" not in keys


def test_what_finds_items_by_an_index_may_query_that_index_only(cell: Graph) -> None:
    finding = {
        (s.resource.inputs["role"].removesuffix(f"-{REGION}"), resource.rpartition("/")[2]): s.actions
        for s in statements(cell, "aws:iam/rolePolicy:RolePolicy")
        for resource in s.resources
        if "/index/" in resource
    }

    assert finding == {
        ("meridian-checkout-api", "orders-by-customer"): ["dynamodb:Query"],
        ("meridian-checkout-sweeper", "reservations-by-expiry"): ["dynamodb:Query"],
    }


def test_what_follows_the_stock_writes_listings_only(cell: Graph) -> None:
    (write,) = writes_of(cell, "checkout-availability", "meridian-checkout")

    assert write.conditions["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] == ["LISTING#*"]


def test_queries_write_nothing(cell: Graph) -> None:
    assert writes_of(cell, "singleview-api", "meridian-single-view") == []


def test_nothing_deletes_an_item_of_a_replicated_table(cell: Graph) -> None:
    deleting = [s for s in statements(cell, "aws:iam/rolePolicy:RolePolicy") if "dynamodb:DeleteItem" in s.actions]

    assert [s.resources for s in deleting] == [
        ["arn:aws:dynamodb:us-east-1:123456789012:table/meridian-loyalty-projections"]
    ]


@pytest.mark.parametrize(
    ("role", "source"),
    [
        ("meridian-checkout-outbox-us-east-1", "meridian.checkout"),
        ("meridian-loyalty-outbox-us-east-1", "meridian.loyalty"),
        ("meridian-loyalty-projector-task-us-east-1", "meridian.loyalty"),
        ("meridian-entry-api-put-events-us-east-1", "meridian.entry-api"),
    ],
)
def test_a_context_publishes_in_its_own_name(cell: Graph, role: str, source: str) -> None:
    (publish,) = [s for s in permissions(cell, role) if "events:PutEvents" in s.actions]

    assert publish.conditions["StringEquals"]["events:source"] == source
    assert publish.resources == ["arn:aws:events:us-east-1:123456789012:event-bus/meridian"]


def test_the_authorizer_knows_the_issuers_of_all_regions(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        authorizer = functions(graph)["meridian-identity-authorizer"]
        issuers = json.loads(authorizer.inputs["environment"]["variables"]["TOKEN_ISSUERS"])

        assert len(issuers) == len(cell_graphs)
        for issuer in issuers:
            assert issuer["jwks_url"] == f"{issuer['issuer']}/.well-known/jwks.json"
            assert len(issuer["client_ids"]) == 2


def container(cell: Graph) -> dict[str, Any]:
    (task,) = cell.of_type("aws:ecs/taskDefinition:TaskDefinition")
    (declared,) = json.loads(task.inputs["containerDefinitions"])
    return declared


def test_the_projector_runs_unprivileged_and_writes_to_tmp_only(cell: Graph) -> None:
    projector = container(cell)

    assert projector["user"] == "10001:10001"
    assert projector["readonlyRootFilesystem"] is True
    assert projector["privileged"] is False
    assert projector["linuxParameters"]["capabilities"] == {"drop": ["ALL"]}
    assert [mount["containerPath"] for mount in projector["mountPoints"]] == ["/tmp"]  # noqa: S108


def test_the_projector_is_started_and_watched_by_what_its_image_holds(cell: Graph) -> None:
    projector = container(cell)

    assert re.search(r"/meridian/loyalty@sha256:[0-9a-f]{64}$", projector["image"])
    assert projector["entryPoint"] == ["/opt/venv/bin/python"]
    assert projector["command"] == ["-m", "workloads.loyalty.entrypoints.projector"]
    assert projector["healthCheck"]["command"] == [
        "CMD",
        "python",
        "-m",
        "workloads.loyalty.entrypoints.projector_health",
    ]


def test_a_bad_version_of_the_projector_is_taken_back(cell: Graph) -> None:
    (service,) = cell.of_type("aws:ecs/service:Service")

    assert service.inputs["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    assert service.inputs["networkConfiguration"]["assignPublicIp"] is False
    assert len(service.inputs["networkConfiguration"]["subnets"]) == 3
    assert service.ignore_changes == ("desiredCount",)


def test_the_projector_grows_with_its_queue(cell: Graph) -> None:
    (target,) = cell.of_type("aws:appautoscaling/target:Target")
    (policy,) = cell.of_type("aws:appautoscaling/policy:Policy")
    configuration = policy.inputs["targetTrackingScalingPolicyConfiguration"]

    assert target.inputs["resourceId"] == "service/meridian/meridian-loyalty-projector"
    assert (target.inputs["minCapacity"], target.inputs["maxCapacity"]) == (2, 6)
    metrics = {metric["id"]: metric for metric in configuration["customizedMetricSpecification"]["metrics"]}
    assert metrics["backlog"]["expression"] == "waiting / tasks"
    assert [metric["id"] for metric in metrics.values() if metric["returnData"]] == ["backlog"]
    waiting = metrics["waiting"]["metricStat"]["metric"]["dimensions"]
    assert waiting == [{"name": "QueueName", "value": "meridian-loyalty-projection-hints"}]


def stream_filter(cell: Graph, function: str) -> Any:
    (only,) = mappings(cell)[function].inputs["filterCriteria"]["filters"]
    return json.loads(only["pattern"])


WRITES = {f"dynamodb:{action}Item" for action in ("Put", "Update", "Delete", "BatchWrite")}


def writes_of(cell: Graph, function: str, table: str) -> list[PolicyStatement]:
    arn = f"arn:aws:dynamodb:{REGION}:123456789012:table/{table}"
    return [
        statement
        for statement in permissions(cell, f"meridian-{function}-{REGION}")
        if not WRITES.isdisjoint(statement.actions) and arn in statement.resources
    ]
