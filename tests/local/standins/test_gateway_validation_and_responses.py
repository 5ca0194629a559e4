"""Request validation, gateway responses, throttling and access logs."""

import json
from typing import Any

import pytest

from local.standins.gateway.definition import DefinitionError, Throttle
from local.standins.gateway.throttling import TokenBucket
from tests.local.standins.gateway_setup import FakeAws, GatewayClient, client_of, ok, proxy

MODEL = {
    "type": "object",
    "additionalProperties": False,
    "required": ["lines"],
    "properties": {
        "lines": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"$ref": "#/components/schemas/Line"}}
    },
}
LINE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["sku", "quantity"],
    "properties": {
        "sku": {"type": "string", "maxLength": 4, "pattern": "^[A-Z0-9]+$"},
        "quantity": {"type": "integer", "minimum": 0, "exclusiveMinimum": True, "maximum": 9},
    },
}


def validating(**extensions: Any) -> GatewayClient:
    operation = proxy(
        parameters=[
            {"name": "Idempotency-Key", "in": "header", "required": True, "schema": {"type": "string"}},
            {"name": "page", "in": "query", "required": True, "schema": {"type": "string"}},
            {"name": "Prefer", "in": "header", "required": False, "schema": {"type": "string"}},
        ],
        requestBody={
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}},
        },
    )
    return client_of(
        {"/orders": {"post": operation}},
        extensions={
            "components": {"schemas": {"Order": MODEL, "Line": LINE}},
            "x-amazon-apigateway-request-validators": {
                "all": {"validateRequestBody": True, "validateRequestParameters": True},
                "none": {},
            },
            "x-amazon-apigateway-request-validator": "all",
            **extensions,
        },
    )


def send(client: GatewayClient, body: str, **headers: str) -> Any:
    return client.post("/orders?page=1", content=body, headers={"Idempotency-Key": "k", **headers})


def test_a_request_as_declared_passes() -> None:
    assert send(validating(), '{"lines": [{"sku": "A1", "quantity": 9}]}').status_code == 200


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "unable to parse"),
        ("{", "unable to parse"),
        ('{"lines": [{"sku": "A1", "quantity": NaN}]}', "unable to parse"),
        ("{}", 'object has missing required properties (["lines"])'),
        ('{"lines": [], "note": 1}', 'object instance has properties which are not allowed by the schema: ["note"]'),
        ('{"lines": "A1"}', 'instance type (string) does not match any allowed primitive type (allowed: ["array"])'),
        ('{"lines": [{"sku": "A1", "quantity": 1.5}]}', "instance type (number)"),
        ('{"lines": [{"sku": "A1", "quantity": true}]}', "instance type (boolean)"),
        ('{"lines": [{"sku": "A1", "quantity": 0}]}', "0"),
        ('{"lines": [{"sku": "A1", "quantity": 10}]}', "greater than the required maximum (maximum: 9, found: 10)"),
        ('{"lines": [{"sku": "A1234", "quantity": 1}]}', 'string "A1234" is too long (length: 5, maximum allowed: 4)'),
        ('{"lines": [{"sku": "a\\"}", "quantity": 1}]}', 'does not match input string "a"}"'),
    ],
)
def test_a_body_that_does_not_fit_its_model_is_a_bad_request_that_can_say_why(body: str, words: str) -> None:
    client = validating(
        **{
            "x-amazon-apigateway-gateway-responses": {
                "BAD_REQUEST_BODY": {
                    "responseTemplates": {
                        "application/json": '{"detail": "$context.error.validationErrorString", '
                        '"message": $context.error.messageString}'
                    }
                }
            }
        }
    )

    response = send(client, body)

    assert response.status_code == 400
    assert response.json()["message"] == "Invalid request body"
    assert words in response.json()["detail"]


def test_the_number_of_items_is_not_checked_as_on_aws() -> None:
    lines = [{"sku": "A1", "quantity": 1}] * 5

    assert send(validating(), json.dumps({"lines": lines})).status_code == 200
    assert send(validating(), '{"lines": []}').status_code == 200


def test_a_body_of_another_content_type_is_not_checked_as_on_aws() -> None:
    assert send(validating(), "hello", **{"Content-Type": "text/plain"}).status_code == 200
    assert send(validating(), "hello", **{"Content-Type": "application/json; charset=utf-8"}).status_code == 400


def test_missing_and_blank_required_parameters_are_named() -> None:
    response = validating().post("/orders?page=%20", content='{"lines": []}')

    assert response.status_code == 400
    assert response.json() == {"message": "Missing required request parameters: [Idempotency-Key, page]"}


def test_a_validator_that_checks_nothing_lets_everything_pass() -> None:
    client = validating(**{"x-amazon-apigateway-request-validator": "none"})

    assert client.post("/orders", content="{").status_code == 200


def test_an_undeclared_validator_is_refused_at_the_start() -> None:
    with pytest.raises(DefinitionError, match="'some' is not declared"):
        validating(**{"x-amazon-apigateway-request-validator": "some"})


def test_a_gateway_response_has_its_own_status_headers_and_template() -> None:
    client = client_of(
        {"/orders": {"get": proxy()}},
        extensions={
            "x-amazon-apigateway-gateway-responses": {
                "MISSING_AUTHENTICATION_TOKEN": {
                    "statusCode": "404",
                    "responseParameters": {
                        "gatewayresponse.header.Content-Type": "'application/problem+json'",
                        "gatewayresponse.header.X-Request": "context.requestId",
                        "gatewayresponse.header.X-Colour": "method.request.header.colour",
                    },
                    "responseTemplates": {
                        "application/json": '{"detail": $context.error.messageString, "type": '
                        '"$context.error.responseType", "id": "$context.requestId", "nothing": "$context.nothing"}'
                    },
                }
            }
        },
    )

    response = client.get("/nowhere", headers={"Colour": "green"})

    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-colour"] == "green"
    assert response.headers["x-request"] == response.headers["x-amzn-requestid"]
    assert response.json() == {
        "detail": "Missing Authentication Token",
        "type": "MISSING_AUTHENTICATION_TOKEN",
        "id": response.headers["x-amzn-requestid"],
        "nothing": "",
    }


def test_a_type_without_a_response_of_its_own_takes_that_of_its_class() -> None:
    responses = {
        "DEFAULT_4XX": {"responseTemplates": {"application/json": '{"class": 4}'}},
        "DEFAULT_5XX": {"responseTemplates": {"application/json": '{"class": 5}'}},
    }
    client = client_of(
        {"/orders": {"get": proxy()}},
        FakeAws(functions={"back-end": lambda _: "malformed"}),
        extensions={"x-amazon-apigateway-gateway-responses": responses},
    )

    assert (client.get("/nowhere").status_code, client.get("/nowhere").json()) == (403, {"class": 4})
    assert (client.get("/orders").status_code, client.get("/orders").json()) == (502, {"class": 5})


def test_a_template_of_a_gateway_response_runs_no_directive_and_no_text_of_the_client() -> None:
    template = "#set($x = 1) $method.request.header.note $stageVariables.colour"
    client = client_of(
        {"/orders": {"get": proxy()}},
        extensions={
            "x-amazon-apigateway-gateway-responses": {
                "DEFAULT_4XX": {"responseTemplates": {"application/json": template}}
            }
        },
        stage={"variables": {"colour": "green"}},
    )

    response = client.get("/nowhere", headers={"note": "$context.requestId"})

    assert response.text == "#set($x = 1) $context.requestId green"


def test_requests_above_the_methods_limit_are_throttled() -> None:
    client = client_of(
        {"/orders": {"get": proxy(), "post": proxy()}},
        settings={
            "*/*": {"throttlingRateLimit": 1, "throttlingBurstLimit": 100},
            "orders/POST": {"throttlingRateLimit": 0.001, "throttlingBurstLimit": 2},
        },
    )

    assert [client.post("/orders").status_code for _ in range(4)] == [200, 200, 429, 429]
    assert client.post("/orders").json() == {"message": "Too Many Requests"}
    assert client.get("/orders").status_code == 200


def test_a_bucket_fills_at_its_rate_up_to_its_burst() -> None:
    now = 0.0
    bucket = TokenBucket(Throttle(rate=2, burst=3), clock=lambda: now)

    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    now = 0.5
    assert [bucket.take() for _ in range(2)] == [True, False]
    now = 100
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]


def test_each_request_leaves_a_line_in_the_declared_log_group() -> None:
    aws = FakeAws(functions={"back-end": ok})
    client = client_of(
        {"/orders": {"get": proxy()}},
        aws,
        stage={
            "accessLogSettings": {
                "destinationArn": "arn:aws:logs:us-east-1:123456789012:log-group:/meridian/access:*",
                "format": '{"id":"$context.requestId","status":"$context.status","path":"$context.path",'
                '"agent":"$context.identity.userAgent","who":"$context.authorizer.principalId",'
                '"error":"$context.error.message"}',
            }
        },
    )
    first = client.get("/orders", headers={"User-Agent": 'quote " end'})
    client.get("/nowhere")

    client.run(client.application.access_logs.flush())

    (created, stream), (put, delivered) = aws.calls
    assert (created, put) == ("Logs_20140328.CreateLogStream", "Logs_20140328.PutLogEvents")
    assert delivered["logGroupName"] == stream["logGroupName"] == "/meridian/access"
    lines = [json.loads(event["message"]) for event in delivered["logEvents"]]
    assert lines[0] == {
        "id": first.headers["x-amzn-requestid"],
        "status": "200",
        "path": "/orders",
        "agent": 'quote " end',
        "who": "-",
        "error": "-",
    }
    assert (lines[1]["status"], lines[1]["error"]) == ("403", "Missing Authentication Token")
