"""What does not fit the entry API's document reaches nobody."""

import json
from collections.abc import Mapping
from typing import Any, Final

import pytest

from tests.infrastructure.entry_api.requests import (
    CUSTOMER,
    DIRECT,
    HOSTILE,
    ORDER,
    EmbeddedAws,
    assert_problem,
    entries_on_the_bus,
    operations,
    post,
)
from tests.local.standins.gateway_setup import INTEGRATION, GatewayClient
from workloads.runtime.http import MAXIMUM_BODY

MIB: Final = 1024 * 1024


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
    "SKU with a line end": {"lines": [{"sku": "A\n", "quantity": 1}]},
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
        ("transfer-allotment", {"units": 0}),
        ("transfer-allotment", {"toRegion": "mars"}),
        ("stop-selling", {"version": 0}),
        ("resume-selling", {"sku": "no sku"}),
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


def test_a_body_over_the_gateways_own_bound_is_refused_before_anybody_is_asked(
    api: GatewayClient, aws: EmbeddedAws
) -> None:
    response = post(api, "/v1/commands/place-order", " " * (10 * MIB + 1))

    assert_problem(response, 413, "body-too-large")
    assert "10 MiB" in response.json()["detail"]
    assert aws.invoked == []


@pytest.mark.parametrize("command", DIRECT)
def test_the_document_says_what_size_of_body_a_command_may_have(
    api: GatewayClient, body: Mapping[str, Any], command: str
) -> None:
    padded = " " * (MAXIMUM_BODY + 1) + json.dumps(DIRECT[command][0])

    taken = post(api, f"/v1/commands/{command}", padded)

    assert taken.status_code == 202
    said = body["paths"][f"/v1/commands/{command}"]["post"]["responses"]["413"]["description"]
    assert "10 MiB" in said
    assert "16 KiB" not in said


def test_the_document_says_what_size_of_body_the_functions_read(body: Mapping[str, Any]) -> None:
    said = {
        operation["responses"]["413"]["description"]
        for _, operation in operations(body)
        if "requestBody" in operation and operation[INTEGRATION]["type"] == "aws_proxy"
    }

    assert said == {f"The body is over {MAXIMUM_BODY // 1024} KiB."}


@pytest.mark.parametrize("command", DIRECT)
def test_a_command_of_another_media_type_is_refused(api: GatewayClient, aws: EmbeddedAws, command: str) -> None:
    response = post(api, f"/v1/commands/{command}", DIRECT[command][0], **{"Content-Type": "text/plain"})

    assert_problem(response, 415, "unsupported-media-type")
    assert aws.calls == []
