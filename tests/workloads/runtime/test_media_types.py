"""A body of another media type meets no model of the gateway: the function itself must refuse it."""

from __future__ import annotations

from typing import Any

import pytest

from workloads.runtime.http import Request, Response, serve


@pytest.mark.parametrize("given", ["application/json", "Application/JSON; charset=utf-8", None])
def test_a_body_of_json_is_read(given: str | None) -> None:
    assert _status(given, "{}") == 201


@pytest.mark.parametrize("given", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
def test_a_body_of_another_media_type_is_refused(given: str) -> None:
    assert _status(given, "{}") == 415


def test_without_a_body_its_type_does_not_matter() -> None:
    assert _status("text/plain", None) == 201


def _status(content_type: str | None, body: str | None) -> int:
    event: dict[str, Any] = {
        "httpMethod": "POST",
        "resource": "/v1/things",
        "path": "/v1/things",
        "headers": {} if content_type is None else {"Content-Type": content_type},
        "body": body,
        "requestContext": {"requestId": "r"},
    }
    return serve({"POST /v1/things": _answer}, event, problem_base="https://example/problems", service="things")[
        "statusCode"
    ]


def _answer(_request: Request) -> Response:
    return Response(status=201, body={})
