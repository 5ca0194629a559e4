"""The gateway remembers for minutes what the authorizer said of a token: the function sees when it has expired."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.workloads.proxy import customer, proxy_event
from workloads.runtime.http import Request, Response, serve
from workloads.runtime.principal import to_context

EXPIRES_AT = 1_800_000_000
OPERATION = "POST /v1/things"


def test_a_token_that_was_used_is_refused_from_the_second_of_its_expiry_on() -> None:
    event = proxy_event(OPERATION, principal=customer("c-1"), body={})
    event["requestContext"]["authorizer"] = to_context(customer("c-1"), EXPIRES_AT)

    before, after = (_answer_at(now, event) for now in (EXPIRES_AT - 0.001, EXPIRES_AT))

    assert before["statusCode"] == 201
    assert after["statusCode"] == 401
    assert after["headers"]["Content-Type"] == "application/problem+json"
    problem = json.loads(after["body"])
    assert (problem["type"], problem["status"]) == ("https://shop.example/problems/unauthorized", 401)
    assert "expired" in problem["detail"]


def test_nothing_is_done_for_a_token_that_has_expired() -> None:
    event = proxy_event("POST /v1/elsewhere", principal=customer("c-1"), body="no JSON", headers={"Content-Type": "x"})
    event["requestContext"]["authorizer"] = to_context(customer("c-1"), EXPIRES_AT)

    assert _answer_at(EXPIRES_AT + 300, event)["statusCode"] == 401


@pytest.mark.parametrize("authorizer", [None, {"principalType": "customer"}], ids=["no authorizer", "first release's"])
def test_where_no_expiry_is_known_none_is_taken_to_have_passed(authorizer: dict[str, str] | None) -> None:
    event = proxy_event(OPERATION, principal=None, body={})
    event["requestContext"]["authorizer"] = authorizer

    assert _answer_at(EXPIRES_AT, event)["statusCode"] == 201


def _answer_at(now: float, event: dict[str, Any]) -> dict[str, Any]:
    routes = {OPERATION: _things}
    return serve(routes, event, problem_base="https://shop.example/problems", service="things", now=lambda: now)


def _things(_request: Request) -> Response:
    return Response(status=201, body={})
