"""The entry API of a cell: its document, and what it does with requests, tried on the laptop's gateway."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from openapi_spec_validator import validate

from components.entry_api import document
from local.deployment import DeployedResource, Handling
from local.recording import Graph
from tests.infrastructure.inspection import statements
from tests.local.standins.gateway_setup import FakeAws, GatewayClient

REGION = "us-east-1"
STAGE = "/live"
CUSTOMER = "us-east-1.c-00042"
TOKEN = "Bearer e30.e30.c2ln"
ORDER = {"lines": [{"sku": "CD-1099", "quantity": 1}]}
DIRECT = {
    "place-order": ({"lines": [{"sku": "CD-1099", "quantity": 2}]}, CUSTOMER),
    "set-price": ({"sku": "CD-1099", "price": {"minorUnits": 1099, "currency": "USD"}, "version": 3}, "CD-1099"),
    "set-allotment": ({"sku": "CD-1099", "units": 250, "version": 1}, "CD-1099"),
}
HOSTILE = (
    'a"b',
    "it's",
    "back\\slash",
    '"}, "originregion": "eu-west-1", "x": {"y": "',
    "\\",
    "\\'\\\"",
    "$context.requestId #set($x = 1) ${util}",
    "</script>",
)


@pytest.fixture(scope="module")
def cell(cell_graphs: Mapping[str, Graph]) -> Graph:
    return cell_graphs[REGION]


@pytest.fixture(scope="module")
def body(cell: Graph) -> dict[str, Any]:
    (api,) = cell.of_type("aws:apigateway/restApi:RestApi")
    return json.loads(api.inputs["body"])


def operations(body: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in body["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


# The document


def test_the_document_is_valid_openapi(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        (api,) = graph.of_type("aws:apigateway/restApi:RestApi")
        validate(json.loads(api.inputs["body"]))


def test_every_operation_is_described_validated_integrated_and_protected(body: Mapping[str, Any]) -> None:
    assert body["x-amazon-apigateway-request-validator"] == "all"
    for name, operation in operations(body):
        assert operation["summary"], name
        assert "x-amazon-apigateway-integration" in operation, name
        assert operation.get("security", []) == ([] if name == "GET /v1/health" else [{"accessToken": []}]), name
        failures = [answer for status, answer in operation["responses"].items() if status >= "4"]
        assert failures, name
        assert all(set(answer["content"]) == {"application/problem+json"} for answer in failures), name


def test_models_are_draft_4_and_those_of_requests_are_closed(body: Mapping[str, Any]) -> None:
    schemas = body["components"]["schemas"]
    for name, schema in schemas.items():
        assert re.fullmatch(r"[A-Za-z0-9]+", name)
        jsonschema.Draft4Validator.check_schema(schema)
    requests = [op["requestBody"]["content"] for _, op in operations(body) if "requestBody" in op]
    assert len(requests) == 5
    for content in requests:
        assert set(content) == {"application/json"}
        reference = content["application/json"]["schema"]["$ref"].removeprefix("#/components/schemas/")
        assert schemas[reference]["additionalProperties"] is False


def test_no_model_uses_a_word_that_api_gateway_does_not_know(body: Mapping[str, Any]) -> None:
    text = json.dumps(body["components"]["schemas"])

    for word in ("nullable", "format", "example", "readOnly", "exclusiveMinimum", "discriminator", "oneOf", "const"):
        assert f'"{word}":' not in text


def test_examples_fit_their_models(body: Mapping[str, Any]) -> None:
    for _, operation in operations(body):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is not None:
            schema = {**content["schema"], "components": body["components"]}
            jsonschema.Draft4Validator(schema).validate(content["example"])


def test_rendering_fills_in_and_changes_nothing_else() -> None:
    values = {name: f"<{name}>" for name in placeholders()}

    rendered = document.render(values)

    assert rendered == document.render(dict(reversed(values.items())))
    assert "${" not in rendered
    assert set(re.findall(r"<([A-Za-z]+)>", rendered)) >= set(values)


def test_rendering_refuses_values_that_do_not_fit_the_template() -> None:
    values = dict.fromkeys(placeholders(), "x")

    with pytest.raises(document.PlaceholderError, match=r"uses \$\{Region\}"):
        document.render({name: value for name, value in values.items() if name != "Region"})
    with pytest.raises(document.PlaceholderError, match="does not use Zone"):
        document.render({**values, "Zone": "a"})


def placeholders() -> set[str]:
    return set(re.findall(r"\$\{([A-Za-z]+)\}", without_comments(document.TEMPLATE.read_text(encoding="utf-8"))))


def without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("# "))


# The stage


def test_a_new_document_is_a_new_deployment(cell_graphs: Mapping[str, Graph]) -> None:
    hashes = {
        deployment.inputs["triggers"]["document"]
        for graph in cell_graphs.values()
        for deployment in graph.of_type("aws:apigateway/deployment:Deployment")
    }

    assert len(hashes) == len(cell_graphs)
    assert all(re.fullmatch(r"[0-9a-f]{64}", found) for found in hashes)


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

    assert put.conditions["StringEquals"]["events:detail-type"] == ["PlaceOrder", "SetPrice", "SetAllotment"]
    assert {integration["credentials"] for integration in direct} == {
        "arn:aws:iam::123456789012:role/meridian-entry-api-put-events-us-east-1"
    }


# Requests


class EmbeddedAws(FakeAws):
    """Functions that note who asked, and a bus that takes everything."""

    def __init__(self) -> None:
        super().__init__(
            functions={
                "meridian-identity-authorizer": lambda event: allow(event, self.customer),
                "meridian-checkout-api": answer,
                "meridian-singleview-api": answer,
            },
            bus=take,
        )
        self.customer = CUSTOMER


def take(payload: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    if not payload["Entries"]:
        return 400, {"__type": "ValidationException", "message": "1 validation error detected"}
    return 200, {"FailedEntryCount": 0, "Entries": [{"EventId": "e-1"} for _ in payload["Entries"]]}


def entries_on_the_bus(aws: FakeAws) -> list[Any]:
    return [entry for _, payload in aws.calls for entry in payload["Entries"]]


def allow(event: Mapping[str, Any], customer: str) -> dict[str, Any]:
    return {
        "principalId": CUSTOMER,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "execute-api:Invoke",
                    "Resource": "/".join([*event["methodArn"].split("/")[:2], "*"]),
                }
            ],
        },
        "context": {"principalType": "customer", "customerId": customer, "clientId": "shop", "scopes": ""},
    }


def answer(_event: Mapping[str, Any]) -> dict[str, Any]:
    return {"statusCode": 201, "headers": {"Location": "/v1/orders/o-1"}, "body": "{}"}


@pytest.fixture
def aws() -> EmbeddedAws:
    return EmbeddedAws()


@pytest.fixture
def api(cell: Graph, aws: EmbeddedAws) -> GatewayClient:
    declared = [
        DeployedResource(
            urn=resource.urn,
            type=resource.type,
            name=resource.name,
            parent=resource.parent,
            stack=resource.stack,
            region=REGION,
            id=resource.id,
            inputs=dict(resource.inputs),
            outputs=dict(resource.outputs),
            handling=Handling.STAND_IN,
        )
        for resource in cell
        if resource.type.startswith("aws:apigateway/") or resource.type == "aws:lambda/permission:Permission"
    ]
    return GatewayClient(declared, aws)


def post(api: GatewayClient, path: str, document_: object, **headers: str) -> httpx.Response:
    sent = {"Authorization": TOKEN, "Idempotency-Key": "k-1", "Content-Type": "application/json", **headers}
    content = document_ if isinstance(document_, str) else json.dumps(document_)
    return api.post(f"{STAGE}{path}", content=content, headers={k: v for k, v in sent.items() if v})


def assert_problem(response: httpx.Response, status: int, kind: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"].startswith("application/problem+json")
    problem = response.json()
    assert problem["type"] == f"https://unicorn-retail.example/problems/{kind}"
    assert problem.get("status", status) == status
    assert problem["detail"]


@pytest.mark.parametrize("command", DIRECT)
def test_a_command_goes_onto_the_bus_as_a_cloudevent(api: GatewayClient, aws: EmbeddedAws, command: str) -> None:
    sent, subject = DIRECT[command]

    response = post(api, f"/v1/commands/{command}", sent)

    assert response.status_code == 202, response.text
    ((target, payload),) = aws.calls
    assert target == "AWSEvents.PutEvents"
    (entry,) = payload["Entries"]
    event = json.loads(entry["Detail"])
    kind = command.title().replace("-", "")
    assert (entry["Source"], entry["DetailType"]) == ("meridian.entry-api", kind)
    assert entry["EventBusName"] == "arn:aws:events:us-east-1:123456789012:event-bus/meridian"
    assert (event["specversion"], event["source"], event["type"]) == ("1.0", "meridian.entry-api", kind)
    assert event["dataschema"] == f"urn:meridian:schema:{kind}:1"
    assert event["subject"] == subject
    assert (event["originregion"], event["destinationregion"]) == (REGION, REGION)
    assert event["id"] == event["correlationid"] == event["causationid"]
    own = {"customerId": CUSTOMER, "idempotencyKey": "k-1"} if command == "place-order" else {}
    assert event["data"] == {**own, **sent}


@pytest.mark.parametrize("command", DIRECT)
def test_a_command_fits_the_published_schemas(api: GatewayClient, aws: EmbeddedAws, command: str) -> None:
    post(api, f"/v1/commands/{command}", DIRECT[command][0])

    event = json.loads(aws.calls[0][1]["Entries"][0]["Detail"])
    schemas = Path(__file__).parents[2] / "workloads" / "contracts" / "schemas"
    for schema, found in (("CloudEvent", event), (f"{event['type']}.1", event["data"])):
        jsonschema.validate(found, json.loads((schemas / f"{schema}.json").read_text(encoding="utf-8")))


def test_the_answer_to_a_command_says_where_its_outcome_is_read(api: GatewayClient, aws: EmbeddedAws) -> None:
    response = post(api, "/v1/commands/place-order", ORDER)

    event = json.loads(aws.calls[0][1]["Entries"][0]["Detail"])
    assert response.json() == {"commandId": event["id"]}
    assert response.headers["Location"] == f"/v1/commands/{event['id']}"


@pytest.mark.parametrize("customer", HOSTILE)
def test_a_text_of_the_token_stays_a_text_within_the_event(api: GatewayClient, aws: EmbeddedAws, customer: str) -> None:
    aws.customer = customer

    response = post(api, "/v1/commands/place-order", ORDER)

    assert response.status_code == 202
    event = json.loads(aws.calls[0][1]["Entries"][0]["Detail"])
    assert event["data"] == {"customerId": customer, "idempotencyKey": "k-1", **ORDER}
    assert (event["subject"], event["originregion"]) == (customer, REGION)


@pytest.mark.parametrize("key", [*HOSTILE, "k" * 129])
@pytest.mark.parametrize("lines", [1, 20])
def test_a_key_of_other_characters_is_refused_by_the_direct_integration(
    api: GatewayClient, aws: EmbeddedAws, key: str, lines: int
) -> None:
    response = post(api, "/v1/commands/place-order", {"lines": ORDER["lines"] * lines}, **{"Idempotency-Key": key})

    assert_problem(response, 400, "invalid-request")
    assert entries_on_the_bus(aws) == []


@pytest.mark.parametrize("key", ["k" * 128, "A.b_c:d-9"])
def test_a_key_of_the_right_characters_is_taken(api: GatewayClient, aws: EmbeddedAws, key: str) -> None:
    assert post(api, "/v1/commands/place-order", ORDER, **{"Idempotency-Key": key}).status_code == 202
    assert len(entries_on_the_bus(aws)) == 1


@pytest.mark.parametrize("lines", [0, 21, 500])
def test_an_order_of_too_few_or_too_many_lines_is_refused_by_the_direct_integration(
    api: GatewayClient, aws: EmbeddedAws, lines: int
) -> None:
    # The import of the document drops minItems and maxItems.
    response = post(api, "/v1/commands/place-order", {"lines": ORDER["lines"] * lines})

    assert_problem(response, 400, "invalid-request")
    assert entries_on_the_bus(aws) == []


def test_whose_order_it_is_comes_from_the_token(api: GatewayClient, aws: EmbeddedAws) -> None:
    response = post(api, "/v1/commands/place-order", {**ORDER, "customerId": "eu-west-1.c-7"})

    assert_problem(response, 400, "invalid-body")
    assert aws.calls == []


@pytest.mark.parametrize(
    ("status", "refused"),
    [
        (200, {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}),
        (200, {"unexpected": True}),
        (400, {"__type": "ThrottlingException"}),
        (400, {"__type": "AccessDeniedException"}),
        (500, {"__type": "InternalException"}),
    ],
)
def test_a_command_that_the_bus_does_not_take_is_a_503(
    api: GatewayClient, aws: EmbeddedAws, status: int, refused: dict[str, Any]
) -> None:
    aws.bus = lambda _: (status, refused)

    response = post(api, "/v1/commands/place-order", ORDER)

    assert_problem(response, 503, "command-not-taken")
    assert response.headers["Retry-After"] == "1"
    assert "Location" not in response.headers


def test_a_command_that_is_too_large_for_the_bus_is_a_413(api: GatewayClient, aws: EmbeddedAws) -> None:
    aws.bus = lambda _: (413, {})

    assert_problem(post(api, "/v1/commands/place-order", ORDER), 413, "body-too-large")


BAD_ORDERS: dict[str, object] = {
    "no JSON": '{"lines": [',
    "no lines": {},
    "unknown field": {**ORDER, "discount": 5},
    "unknown field of a line": {"lines": [{"sku": "A", "quantity": 1, "price": 1}]},
    "text as quantity": {"lines": [{"sku": "A", "quantity": "1"}]},
    "part of a unit": {"lines": [{"sku": "A", "quantity": 1.5}]},
    "no unit": {"lines": [{"sku": "A", "quantity": 0}]},
    "101 units": {"lines": [{"sku": "A", "quantity": 101}]},
    "empty SKU": {"lines": [{"sku": "", "quantity": 1}]},
    "SKU with a quote": {"lines": [{"sku": 'A"', "quantity": 1}]},
    "a list": [ORDER],
}


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/commands/place-order"])
@pytest.mark.parametrize("order", BAD_ORDERS.values(), ids=list(BAD_ORDERS))
def test_an_order_that_does_not_fit_its_model_reaches_nobody(
    api: GatewayClient, aws: EmbeddedAws, path: str, order: object
) -> None:
    assert_problem(post(api, path, order), 400, "invalid-body")
    assert aws.calls == []
    assert [name for name, _ in aws.invoked] == ["meridian-identity-authorizer"]


@pytest.mark.parametrize(
    ("command", "change"),
    [
        ("set-price", {"price": {"minorUnits": -1, "currency": "USD"}}),
        ("set-price", {"price": {"minorUnits": 1, "currency": "usd"}}),
        ("set-price", {"price": {"minorUnits": 1}}),
        ("set-price", {"version": 0}),
        ("set-allotment", {"units": -1}),
        ("set-allotment", {"units": 10**13}),
    ],
)
def test_a_command_of_a_system_that_does_not_fit_its_model_is_refused(
    api: GatewayClient, aws: EmbeddedAws, command: str, change: dict[str, Any]
) -> None:
    assert_problem(post(api, f"/v1/commands/{command}", {**DIRECT[command][0], **change}), 400, "invalid-body")
    assert aws.calls == []


@pytest.mark.parametrize("minor_units", [0, -1500, 1.5, "1500", 10**16])
def test_a_deposit_of_no_amount_is_refused(api: GatewayClient, aws: EmbeddedAws, minor_units: object) -> None:
    amount = {"amount": {"minorUnits": minor_units, "currency": "USD"}}

    assert_problem(post(api, f"/v1/wallets/{CUSTOMER}/deposits", amount), 400, "invalid-body")
    assert "meridian-checkout-api" not in [name for name, _ in aws.invoked]


@pytest.mark.parametrize("path", ["/v1/orders", f"/v1/wallets/{CUSTOMER}/deposits", "/v1/commands/place-order"])
def test_a_write_without_an_idempotency_key_is_refused(api: GatewayClient, aws: EmbeddedAws, path: str) -> None:
    valid = {"amount": {"minorUnits": 1, "currency": "USD"}} if "deposits" in path else ORDER

    response = post(api, path, valid, **{"Idempotency-Key": ""})

    assert_problem(response, 400, "invalid-parameters")
    assert "Idempotency-Key" in response.json()["detail"]
    assert aws.calls == []


@pytest.mark.parametrize("command", DIRECT)
def test_a_command_of_another_media_type_is_refused(api: GatewayClient, aws: EmbeddedAws, command: str) -> None:
    response = post(api, f"/v1/commands/{command}", DIRECT[command][0], **{"Content-Type": "text/plain"})

    assert_problem(response, 415, "unsupported-media-type")
    assert aws.calls == []


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer not-a-token", "Basic dXNlcjpwYXNz"])
def test_without_a_bearer_token_nobody_is_asked(api: GatewayClient, aws: EmbeddedAws, authorization: str) -> None:
    response = post(api, "/v1/orders", ORDER, Authorization=authorization)

    assert_problem(response, 401, "unauthorized")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert aws.invoked == []


def deny(event: Mapping[str, Any]) -> dict[str, Any]:
    answered = allow(event, CUSTOMER)
    answered["policyDocument"]["Statement"][0]["Effect"] = "Deny"
    return answered


def fail(_event: Mapping[str, Any]) -> dict[str, Any]:
    return {"principalId": CUSTOMER}


@pytest.mark.parametrize(("authorizer", "status", "kind"), [(deny, 403, "forbidden"), (fail, 500, "internal")])
def test_what_the_authorizer_does_not_allow_is_refused(
    api: GatewayClient, aws: EmbeddedAws, authorizer: Callable[[Any], Any], status: int, kind: str
) -> None:
    aws.functions["meridian-identity-authorizer"] = authorizer

    assert_problem(post(api, "/v1/orders", ORDER), status, kind)
    assert "meridian-checkout-api" not in [name for name, _ in aws.invoked]


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/nowhere"), ("DELETE", "/v1/orders"), ("GET", "/")])
def test_what_is_no_operation_is_not_found(api: GatewayClient, method: str, path: str) -> None:
    assert_problem(api.request(method, f"{STAGE}{path}"), 404, "not-found")


def test_an_order_reaches_its_function_with_who_asked(api: GatewayClient, aws: EmbeddedAws) -> None:
    response = post(api, "/v1/orders", ORDER, Prefer="wait=2")

    assert response.status_code == 201
    name, event = aws.invoked[-1]
    assert name == "meridian-checkout-api"
    assert (event["httpMethod"], event["resource"]) == ("POST", "/v1/orders")
    assert event["requestContext"]["authorizer"]["customerId"] == CUSTOMER
    assert json.loads(event["body"]) == ORDER


def test_health_is_open_to_all(api: GatewayClient, aws: EmbeddedAws) -> None:
    api.get(f"{STAGE}/v1/health")

    assert [(name, event["resource"]) for name, event in aws.invoked] == [("meridian-checkout-api", "/v1/health")]


def test_a_function_that_is_late_is_a_504(api: GatewayClient, aws: EmbeddedAws) -> None:
    aws.seconds = 60

    assert_problem(api.get(f"{STAGE}/v1/health"), 504, "no-answer")
