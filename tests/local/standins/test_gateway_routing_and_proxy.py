"""Requests find their function, functions get the event of AWS, and their answers become replies."""

import base64
import uuid
from typing import Any

import httpx
import pytest

from local.standins.gateway.definition import DefinitionError
from tests.local.standins.gateway_setup import (
    FakeAws,
    FunctionError,
    client_of,
    function_arn,
    ok,
    proxy,
)


def echo(event: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": 200, "body": f"{event['resource']} {event['pathParameters']}"}


def test_a_literal_segment_wins_over_a_parameter_and_that_over_a_greedy_one() -> None:
    client = client_of(
        {
            "/orders/{id}": {"get": proxy()},
            "/orders/open": {"get": proxy()},
            "/{proxy+}": {"get": proxy()},
        },
        FakeAws(functions={"back-end": echo}),
    )

    assert client.get("/orders/open").text == "/orders/open None"
    assert client.get("/orders/17").text == "/orders/{id} {'id': '17'}"
    assert client.get("/orders/17/lines").text == "/{proxy+} {'proxy': 'orders/17/lines'}"


def test_a_path_parameter_is_decoded_once_and_keeps_an_encoded_slash() -> None:
    client = client_of({"/orders/{id}": {"get": proxy()}}, FakeAws(functions={"back-end": echo}))

    assert client.get("/orders/a%2Fb%2525").text == "/orders/{id} {'id': 'a/b%25'}"


@pytest.mark.parametrize(("method", "path"), [("GET", "/nowhere"), ("DELETE", "/orders"), ("GET", "/orders/1/2")])
def test_an_unknown_path_or_method_is_a_missing_authentication_token(method: str, path: str) -> None:
    client = client_of({"/orders": {"get": proxy()}, "/orders/{id}": {"get": proxy()}})

    response = client.request(method, path)

    assert response.status_code == 403
    assert response.json() == {"message": "Missing Authentication Token"}
    assert response.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"


def test_the_stage_name_and_the_root_both_lead_to_the_api() -> None:
    client = client_of({"/v1/orders": {"get": proxy()}})

    assert client.get("/v1/orders").status_code == 200
    assert client.get("/live/v1/orders").status_code == 200


def test_the_event_is_payload_format_1_0_in_full() -> None:
    aws = FakeAws(functions={"back-end": ok})
    client = client_of({"/orders/{id}": {"post": proxy()}}, aws, stage={"variables": {"colour": "green"}})

    response = client.post(
        "/orders/17?tag=a&tag=b&empty=", content="{}", headers={"X-Many": "1", "Content-Type": "application/json"}
    )

    [(_, event)] = aws.invoked
    assert event["resource"] == "/orders/{id}"
    assert event["path"] == "/orders/17"
    assert event["httpMethod"] == "POST"
    assert event["headers"]["x-many"] == "1"
    assert event["multiValueHeaders"]["x-many"] == ["1"]
    assert event["queryStringParameters"] == {"tag": "b", "empty": ""}
    assert event["multiValueQueryStringParameters"] == {"tag": ["a", "b"], "empty": [""]}
    assert event["pathParameters"] == {"id": "17"}
    assert event["stageVariables"] == {"colour": "green"}
    assert event["body"] == "{}"
    assert event["isBase64Encoded"] is False
    context = event["requestContext"]
    assert context["requestId"] == response.headers["x-amzn-requestid"] == str(uuid.UUID(context["requestId"]))
    assert context["stage"] == "live"
    assert context["resourcePath"] == "/orders/{id}"
    assert context["identity"]["userAgent"] == "test"
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert set(context) >= {
        "accountId", "apiId", "deploymentId", "domainName", "domainPrefix", "extendedRequestId", "httpMethod", "path",
        "protocol", "requestTime", "requestTimeEpoch", "resourceId",
    }  # fmt: skip


def test_what_a_request_does_not_have_is_null_in_the_event() -> None:
    aws = FakeAws(functions={"back-end": ok})
    client_of({"/orders": {"get": proxy()}}, aws).get("/orders")

    event = aws.invoked[0][1]
    nulls = ("queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables", "body")
    assert [event[key] for key in nulls] == [None] * 5


def test_a_binary_body_travels_as_base64_both_ways() -> None:
    aws = FakeAws(
        functions={
            "back-end": lambda event: {
                "statusCode": 200,
                "headers": {"Content-Type": "image/png"},
                "body": event["body"],
                "isBase64Encoded": event["isBase64Encoded"],
            }
        }
    )
    client = client_of(
        {"/i": {"post": proxy()}}, aws, extensions={"x-amazon-apigateway-binary-media-types": ["image/*"]}
    )

    response = client.post("/i", content=b"\x00\xff", headers={"Content-Type": "image/png", "Accept": "image/png"})

    assert aws.invoked[0][1]["body"] == base64.b64encode(b"\x00\xff").decode()
    assert response.content == b"\x00\xff"


def test_headers_of_both_views_reach_the_client() -> None:
    answer = {
        "statusCode": "201",
        "headers": {"Location": "/orders/1", "X-Count": 3},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
        "body": "hello",
    }
    client = client_of({"/orders": {"post": proxy()}}, FakeAws(functions={"back-end": lambda _: answer}))

    response = client.post("/orders")

    assert response.status_code == 201
    assert response.headers["location"] == "/orders/1"
    assert response.headers["x-count"] == "3"
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert response.headers["content-type"] == "application/json"
    assert response.text == "hello"


def test_a_line_break_in_a_header_starts_no_header_of_its_own() -> None:
    answer = {"statusCode": 200, "headers": {"X-Note": "a\r\nX-Injected: 1"}}
    client = client_of({"/orders": {"get": proxy()}}, FakeAws(functions={"back-end": lambda _: answer}))

    assert "x-injected" not in client.get("/orders").headers


@pytest.mark.parametrize(
    "answer",
    [
        "text",
        ["list"],
        None,
        {"statusCode": "two hundred"},
        {"statusCode": 99},
        {"statusCode": 200, "body": {"not": "text"}},
        {"statusCode": 200, "status": 200},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "headers": {"a": {"b": 1}}},
    ],
)
def test_a_malformed_proxy_answer_is_a_bad_gateway_and_reported(answer: Any) -> None:
    client = client_of({"/orders": {"get": proxy()}}, FakeAws(functions={"back-end": lambda _: answer}))

    response = client.get("/orders")

    assert response.status_code == 502
    assert response.json() == {"message": "Internal server error"}
    assert client.report.failures[0][0] == function_arn("back-end")


def test_a_function_that_raises_is_a_bad_gateway_and_reported_with_its_error() -> None:
    aws = FakeAws(functions={"back-end": lambda _: FunctionError("no table", "KeyError")})
    client = client_of({"/orders": {"get": proxy()}}, aws)

    assert client.get("/orders").status_code == 502
    assert "no table" in client.report.failures[0][1][0]


def test_an_invocation_that_lambda_refuses_is_an_internal_error() -> None:
    aws = FakeAws(functions={"back-end": lambda _: httpx.Response(429, json={"Reason": "too many"})})

    assert client_of({"/orders": {"get": proxy()}}, aws).get("/orders").status_code == 500


def test_a_function_slower_than_the_integration_may_be_is_a_gateway_timeout() -> None:
    aws = FakeAws(functions={"back-end": ok}, seconds=1.5)
    slow = client_of({"/orders": {"get": proxy(integration={"timeoutInMillis": 1000})}}, aws)
    patient = client_of({"/orders": {"get": proxy(integration={"timeoutInMillis": 2000})}}, aws)

    assert slow.get("/orders").status_code == 504
    assert slow.get("/orders").json() == {"message": "Endpoint request timed out"}
    assert patient.get("/orders").status_code == 200


def test_a_function_without_a_permission_for_the_gateway_is_not_invoked() -> None:
    aws = FakeAws(functions={"back-end": ok})
    client = client_of({"/orders": {"get": proxy()}}, aws, functions=["another"])

    assert client.get("/orders").status_code == 500
    assert not aws.invoked
    assert "has no Permission" in client.report.failures[0][1][0]


def test_a_body_over_ten_megabytes_is_refused_before_any_function() -> None:
    aws = FakeAws(functions={"back-end": ok})
    client = client_of({"/orders": {"post": proxy()}}, aws)

    response = client.post("/orders", content=b"x" * (10 * 1024 * 1024 + 1))

    assert response.status_code == 413
    assert not aws.invoked
    assert client.post("/orders", content=b"x" * (10 * 1024 * 1024)).status_code == 200


@pytest.mark.parametrize(
    ("integration", "words"),
    [
        ({"type": "http_proxy", "uri": "http://x"}, "http_proxy"),
        ({"type": "aws_proxy", "uri": "arn:aws:lambda:function:x"}, "no Lambda invocation URI"),
    ],
)
def test_what_the_laptop_can_not_serve_is_refused_at_the_start(integration: dict[str, Any], words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        client_of({"/orders": {"get": proxy(integration=integration)}})
