"""The images as they are: built, looked into, started, asked and stopped."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from tests.images.builders import ROOT, Builder
from tests.images.conftest import Start
from tests.images.endpoints import PATIENCE, EmptyQueue, runtime_api

pytestmark = [pytest.mark.images, pytest.mark.timeout(600)]

ENTRYPOINT: Final = ("/opt/venv/bin/python", "-m", "awslambdaric")
NOWHERE: Final = "http://127.0.0.1:9"
"""The discard port: an endpoint that nothing answers on, so that no test can reach AWS."""
ENVIRONMENT: Final = {
    "AWS_REGION": "us-east-1",
    "AWS_ENDPOINT_URL": NOWHERE,
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "MERIDIAN_REGIONS": "us-east-1,eu-west-1",
    "PROBLEM_BASE": "https://unicorn-retail.example/problems",
}

LOOK_AROUND: Final = """
import json, os, shutil, subprocess, sys, sysconfig
task = {}
for folder, _, names in os.walk("/var/task"):
    task[folder] = names
print(json.dumps({
    "uid": os.getuid(), "gid": os.getgid(), "groups": os.getgroups(),
    "task": task,
    "tools": [tool for tool in sys.argv[1:] if shutil.which(tool)],
    "pip": subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode,
    "writable": [folder for top in ("/opt", "/usr", "/var/task", "/etc") for folder, _, _ in os.walk(top)
                 if os.access(folder, os.W_OK)],
    "python": sys.version_info[:2], "prefix": sys.prefix,
    "compiled": os.path.exists(__import__("botocore").__cached__),
}))
"""
BUILD_TOOLS: Final = ("pip", "pip3", "uv", "gcc", "cc", "c++", "ld", "make", "git", "curl", "wget")


@pytest.fixture(scope="session")
def look_around(builder: Builder, build: Callable[[str], str], context: str) -> dict[str, Any]:
    """Return what the image's own user finds in it."""
    container = builder.start(build(context), [ENTRYPOINT[0], "-c", LOOK_AROUND, *BUILD_TOOLS], {})
    try:
        output, _ = container.process.communicate(timeout=PATIENCE)
    finally:
        container.remove()
    return json.loads(output.splitlines()[-1])


def test_the_image_says_how_it_is_run(builder: Builder, build: Callable[[str], str], context: str) -> None:
    config = builder.config(build(context))

    assert config.entrypoint == ENTRYPOINT
    assert config.working_directory == config.environment["PYTHONPATH"] == "/var/task"
    assert re.fullmatch(r"[1-9][0-9]+:[1-9][0-9]+", config.user), "a number, and not root's"
    assert not [name for name in config.environment if re.search("SECRET|TOKEN|PASSWORD|KEY|INDEX", name)]


def test_it_runs_as_a_user_who_can_write_nothing_in_it(look_around: dict[str, Any]) -> None:
    assert look_around["uid"] >= 10_000
    assert look_around["gid"] >= 10_000
    assert 0 not in look_around["groups"]
    assert look_around["writable"] == []


def test_it_has_no_installer_and_no_build_tools(look_around: dict[str, Any]) -> None:
    assert look_around["tools"] == []
    assert look_around["pip"] != 0


def test_it_runs_the_python_of_the_functions_from_its_own_environment(look_around: dict[str, Any]) -> None:
    assert look_around["python"] == [3, 13]
    assert look_around["prefix"] == "/opt/venv"
    assert look_around["compiled"]


def test_it_holds_its_own_context_and_what_all_share_compiled_and_nothing_else(
    look_around: dict[str, Any], context: str
) -> None:
    folders: dict[str, list[str]] = {
        folder: sorted(names) for folder, names in look_around["task"].items() if not folder.endswith("/__pycache__")
    }
    expected = {
        f"/var/task/{path.parent.relative_to(ROOT)}"
        for name in ("contracts", "runtime", context)
        for path in (ROOT / "workloads" / name).rglob("*.py")
    }

    assert set(folders) == {"/var/task", "/var/task/workloads", *expected}
    for folder, names in folders.items():
        assert [name for name in names if not name.endswith(".py")] == []
        compiled = {name.split(".")[0] for name in look_around["task"].get(f"{folder}/__pycache__", [])}
        assert compiled == {Path(name).stem for name in names}


class Invocation(msgspec.Struct, frozen=True, kw_only=True):
    """An event that a function can answer without AWS, and what it must answer."""

    context: str
    handler: str
    settings: dict[str, str]
    event: dict[str, Any]
    outcome: str = "response"
    answer: str


INVOCATIONS: Final = [
    Invocation(
        context="identity",
        handler="workloads.identity.entrypoints.authorizer.handler",
        settings={
            "TOKEN_ISSUERS": json.dumps([{"issuer": NOWHERE, "jwks_url": f"{NOWHERE}/keys", "client_ids": ["shop"]}]),
            "SCOPE_PREFIX": "https://api.unicorn-retail.example",
        },
        event={"type": "TOKEN", "authorizationToken": "Bearer no-token", "methodArn": "arn:aws:execute-api:…"},
        outcome="error",
        answer="Unauthorized",
    ),
    Invocation(
        context="checkout",
        handler="workloads.checkout.entrypoints.api.handler",
        settings={
            "CHECKOUT_TABLE": "checkout",
            "CHECKOUT_OUTBOX_TABLE": "checkout-outbox",
            "EVENT_BUS": "meridian",
            "SAGA_START_QUEUE_URL": "https://sqs.example/saga-start",
            "ORDER_BURST": "50",
            "ORDERS_PER_MINUTE": "300",
            "SAGA_STARTS_PER_SECOND": "300",
            "LONGEST_SAGA_WAIT": "60",
        },
        event={
            "httpMethod": "GET",
            "resource": "/v1/nothing",
            "path": "/v1/nothing",
            "requestContext": {"requestId": "request-1"},
        },
        answer="no operation GET /v1/nothing",
    ),
    Invocation(
        context="loyalty",
        handler="workloads.loyalty.entrypoints.awards.handler",
        settings={"LOYALTY_EVENTS_TABLE": "loyalty-events"},
        event={
            "Records": [{"messageId": "m-1", "body": "no purchase", "attributes": {"ApproximateReceiveCount": "1"}}]
        },
        answer='{"batchItemFailures": [{"itemIdentifier": "m-1"}]}',
    ),
    Invocation(
        context="singleview",
        handler="workloads.singleview.entrypoints.updates.handler",
        settings={"SINGLE_VIEW_TABLE": "single-view"},
        event={"Records": [{"messageId": "m-1", "body": "no event", "attributes": {"ApproximateReceiveCount": "1"}}]},
        answer='{"batchItemFailures": [{"itemIdentifier": "m-1"}]}',
    ),
]


@pytest.mark.parametrize("invocation", INVOCATIONS, ids=[one.context for one in INVOCATIONS])
def test_a_function_of_the_image_answers_an_event_of_lambda(start: Start, invocation: Invocation) -> None:
    with runtime_api(invocation.event) as api:
        lambda_service = {"AWS_LAMBDA_RUNTIME_API": api.address, "AWS_LAMBDA_FUNCTION_NAME": invocation.context}
        container = start(
            invocation.context,
            [*ENTRYPOINT, invocation.handler],
            {**ENVIRONMENT, **invocation.settings, **lambda_service},
        )

        assert api.answered.wait(PATIENCE), _said(container.process)
        assert api.outcome == invocation.outcome, api.answer
        assert invocation.answer in json.dumps(api.answer)


def test_the_projector_starts_is_healthy_and_stops_when_asked(start: Start) -> None:
    queue = EmptyQueue()
    environment = {
        **ENVIRONMENT,
        "AWS_ENDPOINT_URL_SQS": f"http://{queue.address}",
        "LOYALTY_EVENTS_TABLE": "loyalty-events",
        "LOYALTY_PROJECTIONS_TABLE": "loyalty-projections",
        "PROJECTION_HINTS_QUEUE_URL": f"http://{queue.address}/123456789012/hints",
        "EVENT_BUS": "meridian",
    }
    container = start("loyalty", [ENTRYPOINT[0], "-m", "workloads.loyalty.entrypoints.projector"], environment)
    assert queue.polled.wait(PATIENCE), _said(container.process)

    health = container.run("python", "-m", "workloads.loyalty.entrypoints.projector_health")
    asked_to_stop = time.monotonic()
    container.terminate()

    assert (health.returncode, health.stderr) == (0, "")
    assert container.process.wait(PATIENCE) == 0, _said(container.process)
    assert time.monotonic() - asked_to_stop < 10, "a long poll takes 20 s: the stop must not wait for its end"
    queue.close()


def _said(process: subprocess.Popen[str]) -> str:
    process.kill()
    output, _ = process.communicate(timeout=PATIENCE)
    return f"the container said:\n{output[-4000:]}"
