"""Commands that the entry API puts onto the bus itself."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.infrastructure.entry_api.requests import (
    CUSTOMER,
    DIRECT,
    HOSTILE,
    ORDER,
    REGION,
    EmbeddedAws,
    assert_problem,
    clock_at,
    entries_on_the_bus,
    post,
)
from tests.local.standins.gateway_setup import GatewayClient

EXPIRES_AT = 1_800_000_000


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
    own = {
        "place-order": {"customerId": CUSTOMER, "idempotencyKey": "k-1"},
        "transfer-allotment": {"transferId": "k-1"},
    }
    assert event["data"] == {**own.get(command, {}), **sent}


@pytest.mark.parametrize("command", DIRECT)
def test_a_command_fits_the_published_schemas(api: GatewayClient, aws: EmbeddedAws, command: str) -> None:
    post(api, f"/v1/commands/{command}", DIRECT[command][0])

    event = json.loads(aws.calls[0][1]["Entries"][0]["Detail"])
    schemas = Path(__file__).parents[3] / "workloads" / "contracts" / "schemas"
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


@pytest.mark.parametrize("command", DIRECT)
def test_a_token_that_was_used_sends_no_command_from_the_second_of_its_expiry_on(
    api: GatewayClient, aws: EmbeddedAws, command: str
) -> None:
    aws.expires_at = EXPIRES_AT

    with clock_at(EXPIRES_AT - 0.5):
        used = post(api, f"/v1/commands/{command}", DIRECT[command][0])
    with clock_at(EXPIRES_AT):
        expired = post(api, f"/v1/commands/{command}", DIRECT[command][0])

    assert used.status_code == 202
    assert_problem(expired, 401, "unauthorized")
    assert len(entries_on_the_bus(aws)) == 1
    # The gateway remembered who it is, and did not ask again.
    assert [name for name, _ in aws.invoked] == ["meridian-identity-authorizer"]


def test_a_command_is_taken_where_an_authorizer_of_the_first_release_knows_no_expiry(
    api: GatewayClient, aws: EmbeddedAws
) -> None:
    aws.expires_at = None

    assert post(api, "/v1/commands/place-order", ORDER).status_code == 202


def test_what_does_not_fit_is_not_taken_for_an_expired_token(api: GatewayClient) -> None:
    assert_problem(post(api, "/v1/commands/place-order", {"lines": []}), 400, "invalid-request")
