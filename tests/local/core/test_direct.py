"""What is answered directly is answered as by the application, and what is wrong with it is said."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from botocore.exceptions import ClientError

from local.emulator.faults import PATH, Fault, Moment, Point
from local.recording import RecordedResource
from tests.local.core.conftest import Laboratory

_KEY = {"pk": {"S": "one"}}
_NAMED_ANEW = ("x-amzn-requestid", "x-amz-request-id", "x-amz-id-2", "date", "content-length")


@pytest.fixture(scope="module")
def table(laboratory: Laboratory) -> RecordedResource:
    table = laboratory.create(
        "aws:dynamodb/table:Table",
        "direct",
        hashKey="pk",
        attributes=[{"name": "pk", "type": "S"}],
        billingMode="PAY_PER_REQUEST",
    )
    item = {
        "TableName": table.name,
        "Item": {**_KEY, "text": {"S": 'ä "quoted" \u2028'}, "amount": {"N": "12345678901234567890"}},
    }
    laboratory.context.call("dynamodb", "us-east-1", "PutItem", item)
    return table


@contextmanager
def all_by_the_application(laboratory: Laboratory) -> Generator[None]:
    """A fault that requests could meet takes every request through the application; this one never strikes."""
    url = laboratory.context.emulator_url + PATH
    never = Fault(name="never", point=Point.REQUEST, subject="Nothing", texts=(), moment=Moment.BEFORE, times=1)
    httpx.put(url, json=[asdict(never)], trust_env=False).raise_for_status()
    try:
        yield
    finally:
        httpx.put(url, json=[], trust_env=False).raise_for_status()


def headers_of(target: str, region: str = "us-east-1", service: str = "dynamodb", key: str = "test") -> dict[str, str]:
    scope = f"{key}/20260101/{region}/{service}/aws4_request"
    return {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": target,
    }


def ask(
    laboratory: Laboratory, target: str, content: bytes, region: str = "us-east-1"
) -> tuple[int, dict[str, str], Any]:
    address = urlsplit(laboratory.context.emulator_url).netloc
    with closing(http.client.HTTPConnection(address)) as connection:
        connection.request("POST", "/", body=content, headers=headers_of(target, region))
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        body = answer.read()
        assert int(headers["content-length"]) == len(body)
        return answer.status, {name: headers[name] for name in headers if name not in _NAMED_ANEW}, json.loads(body)


@pytest.mark.parametrize(
    ("target", "content"),
    [
        ("DynamoDB_20120810.GetItem", {"TableName": "direct", "Key": _KEY}),
        (
            "DynamoDB_20120810.Query",
            {
                "TableName": "direct",
                "KeyConditionExpression": "pk = :pk",
                "ExpressionAttributeValues": {":pk": {"S": "one"}},
            },
        ),
        (
            "DynamoDB_20120810.PutItem",
            {
                "TableName": "direct",
                "Item": _KEY,
                "ConditionExpression": "attribute_not_exists(pk)",
            },
        ),
        ("DynamoDB_20120810.GetItem", {"TableName": "absent", "Key": _KEY}),
        ("DynamoDB_20120810.GetItem", {"TableName": "direct", "Key": {"pk": {"N": "1"}}}),
        ("AmazonSQS.SendMessage", {"QueueUrl": "http://127.0.0.1/000000000000/absent", "MessageBody": "text"}),
        ("AWSEvents.PutEvents", {"Entries": []}),
        (
            "AWSStepFunctions.StartExecution",
            {"stateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:no"},
        ),
    ],
    ids=["found", "queried", "condition failed", "no table", "wrong key", "no queue", "no entries", "no state machine"],
)
@pytest.mark.usefixtures("table")
def test_the_direct_answer_is_the_applications(laboratory: Laboratory, target: str, content: dict[str, Any]) -> None:
    body = json.dumps(content).encode()

    direct = ask(laboratory, target, body)
    with all_by_the_application(laboratory):
        by_application = ask(laboratory, target, body)

    assert direct == by_application


@pytest.mark.parametrize("key", ["test", "000000000000"], ids=["a key", "an account"])
@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", headers_of("DynamoDB_20120810.GetItem")),
        ("/", headers_of("AWSEvents.PutEvents", service="events")),
        ("/", headers_of("AWSCognitoIdentityProviderService.InitiateAuth", service="cognito-idp")),
        ("/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:absent/invocations", headers_of("")),
    ],
    ids=["item", "events", "sign-in", "invocation"],
)
def test_what_an_order_consists_of_goes_the_direct_way(
    laboratory: Laboratory, path: str, headers: dict[str, str], key: str
) -> None:
    signed = {**headers, "Authorization": headers["Authorization"].replace("test", key)}

    def marks() -> set[str]:
        url = laboratory.context.emulator_url + path
        return {name.lower() for name in httpx.post(url, content=b"{}", headers=signed, trust_env=False).headers}

    # Only the application names an answer twice.
    assert "x-amz-id-2" not in marks()
    with all_by_the_application(laboratory):
        assert "x-amz-id-2" in marks()


@pytest.mark.usefixtures("table")
def test_each_request_is_of_the_region_that_it_was_signed_for(laboratory: Laboratory) -> None:
    body = json.dumps({"TableName": "direct", "Key": _KEY}).encode()

    here, _, found = ask(laboratory, "DynamoDB_20120810.GetItem", body)
    there, _, refused = ask(laboratory, "DynamoDB_20120810.GetItem", body, region="eu-west-1")

    assert (here, found["Item"]["pk"]) == (200, {"S": "one"})
    assert (there, refused["__type"].rpartition("#")[2]) == (400, "ResourceNotFoundException")


def test_malformed_json_is_refused_and_the_next_request_is_served(
    laboratory: Laboratory, table: RecordedResource
) -> None:
    status, _, refused = ask(laboratory, "DynamoDB_20120810.GetItem", b'{"TableName": ')

    assert (status, refused["__type"].rpartition("#")[2]) == (400, "SerializationException")
    known = {"TableName": table.name, "Key": _KEY}
    assert laboratory.context.call("dynamodb", "us-east-1", "GetItem", known)["Item"]["pk"] == {"S": "one"}


def test_an_unknown_function_is_an_error_of_the_sdk(laboratory: Laboratory) -> None:
    with pytest.raises(ClientError, match=r"ResourceNotFoundException.*Function not found"):
        laboratory.context.call("lambda", "us-east-1", "Invoke", {"FunctionName": "absent", "Payload": b"{}"})


def test_a_second_request_before_the_answer_to_an_invocation_is_refused(laboratory: Laboratory) -> None:
    address = urlsplit(laboratory.context.emulator_url)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers_of("", service="lambda").items() if value)
    invoke = (
        f"POST /2015-03-31/functions/absent/invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n{lines}\r\n{{}}"
    )

    with socket.create_connection((str(address.hostname), int(address.port or 80))) as client:
        client.sendall((invoke + invoke).encode())
        answered = b"".join(iter(lambda: client.recv(65_536), b""))

    assert answered.startswith(b"HTTP/1.1 400")
    assert b"one request at a time" in answered
