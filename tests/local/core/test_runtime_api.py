"""The Runtime API: what a runtime gets, what is made of its results, and what becomes of one that fails."""

from __future__ import annotations

import http.client
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from local.emulator.runtime_api import EnvironmentEndedError, EnvironmentTimeoutError, Invocation, Result, RuntimeApi
from local.recording import RecordedResource
from tests.local.core.conftest import Laboratory

_API = "/2018-06-01/runtime"
Runtime = Callable[[http.client.HTTPConnection], None]


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    with closing(RuntimeApi()) as api:
        yield api


def invocation(request_id: str = "first") -> Invocation:
    return Invocation(
        request_id=request_id,
        event={"order": request_id},
        function_arn="arn:aws:lambda:us-east-1:000000000000:function:sample",
        trace_id="Root=1-0",
        deadline_ms=1_700_000_000_000,
    )


def run(api: RuntimeApi, runtime: Runtime, *asked: Invocation, seconds: float = 5.0) -> list[Result]:
    """Run a runtime on a thread, and the invocations on this one."""

    def serve() -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", api.port)) as connection:
            runtime(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        api.await_runtime(lambda: not thread.is_alive(), seconds)
        return [api.run(each, lambda: not thread.is_alive(), seconds) for each in asked]
    finally:
        thread.join(5)


def next_event(connection: http.client.HTTPConnection) -> tuple[dict[str, str], Any]:
    connection.request("GET", f"{_API}/invocation/next")
    answer = connection.getresponse()
    return dict(answer.getheaders()), json.loads(answer.read())


def post(connection: http.client.HTTPConnection, path: str, content: Any) -> tuple[int, bytes]:
    connection.request("POST", _API + path, body=json.dumps(content).encode())
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_a_runtime_gets_one_invocation_after_the_other_with_its_headers(api: RuntimeApi) -> None:
    got: list[tuple[dict[str, str], Any]] = []

    def echo(connection: http.client.HTTPConnection) -> None:
        for _ in range(2):
            headers, event = next_event(connection)
            got.append((headers, event))
            assert post(connection, f"/invocation/{headers['Lambda-Runtime-Aws-Request-Id']}/response", event)[0] == 202

    results = run(api, echo, invocation(), invocation("second"))

    assert results == [Result({"order": "first"}, is_error=False), Result({"order": "second"}, is_error=False)]
    assert [event for _, event in got] == [{"order": "first"}, {"order": "second"}]
    headers = got[0][0]
    assert headers["Lambda-Runtime-Deadline-Ms"] == "1700000000000"
    assert headers["Lambda-Runtime-Invoked-Function-Arn"].endswith("function:sample")
    assert headers["Lambda-Runtime-Trace-Id"] == "Root=1-0"


def test_a_reported_error_is_an_error(api: RuntimeApi) -> None:
    def fail(connection: http.client.HTTPConnection) -> None:
        next_event(connection)
        post(connection, "/invocation/first/error", {"errorType": "LookupError", "errorMessage": "no such order"})

    assert run(api, fail, invocation()) == [
        Result({"errorType": "LookupError", "errorMessage": "no such order"}, is_error=True)
    ]


def test_the_result_of_another_invocation_is_refused(api: RuntimeApi) -> None:
    refused: list[tuple[int, bytes]] = []

    def answer_wrongly(connection: http.client.HTTPConnection) -> None:
        next_event(connection)
        refused.append(post(connection, "/invocation/another/response", "wrong"))
        post(connection, "/invocation/first/response", "right")

    assert run(api, answer_wrongly, invocation()) == [Result("right", is_error=False)]
    assert refused[0][0] == 400
    assert b"InvalidRequestID" in refused[0][1]


def test_a_runtime_that_can_not_start_says_why(api: RuntimeApi) -> None:
    def report(connection: http.client.HTTPConnection) -> None:
        assert post(connection, "/init/error", {"errorType": "Runtime.ImportModuleError"})[0] == 202

    assert run(api, report) == []
    assert api.init_error == Result({"errorType": "Runtime.ImportModuleError"}, is_error=True)


def test_a_runtime_that_ends_in_the_middle_is_noticed(api: RuntimeApi) -> None:
    def end(connection: http.client.HTTPConnection) -> None:
        next_event(connection)

    with pytest.raises(EnvironmentEndedError):
        run(api, end, invocation())


def test_a_runtime_that_does_not_answer_in_time_is_given_up(api: RuntimeApi) -> None:
    def hesitate(connection: http.client.HTTPConnection) -> None:
        next_event(connection)
        threading.Event().wait(1)

    with pytest.raises(EnvironmentTimeoutError):
        run(api, hesitate, invocation(), seconds=0.3)


def test_what_is_written_before_the_answer_is_in_the_log_however_much_it_is(api: RuntimeApi) -> None:
    readable, writable = os.pipe()
    line = "x" * 99 + "\n"

    def chat(connection: http.client.HTTPConnection) -> None:
        next_event(connection)
        for _ in range(2_000):
            os.write(writable, line.encode())
        post(connection, "/invocation/first/response", None)

    with os.fdopen(writable, "wb"):
        api.follow(os.fdopen(readable, "rb", buffering=0))
        run(api, chat, invocation())

        assert len(api.take_log()) == 2_000 * len(line) - 1
        assert api.take_log() == ""


def test_an_environment_whose_process_ends_or_hangs_is_replaced(
    laboratory: Laboratory, deploy_function: Callable[..., RecordedResource]
) -> None:
    deploy_function("mortal", "live_or_end", timeout=1)

    def invoke(wish: str) -> tuple[str | None, Any]:
        known = {"FunctionName": "mortal", "Payload": json.dumps({"wish": wish}).encode()}
        answer = laboratory.context.call("lambda", "us-east-1", "Invoke", known)
        return answer.get("FunctionError"), json.loads(answer["Payload"].read())

    _, first = invoke("live")
    assert invoke("end") == (
        "Unhandled",
        {"errorType": "Runtime.ExitError", "errorMessage": "Runtime exited before returning a response"},
    )
    _, second = invoke("live")
    assert invoke("hang") == (
        "Unhandled",
        {"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 1.00 seconds"},
    )
    _, third = invoke("live")

    assert len({first, second, third}) == 3
    assert invoke("live") == (None, third)
