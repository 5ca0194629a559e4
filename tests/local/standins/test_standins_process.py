"""All stand-ins in their process: they come up, serve through the embedded AWS, and go when they are told."""

import io
import json
import select
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from local.deployment import DeployedResource, Gateway
from local.paths import ROOT
from tests.local.standins.conftest import ACCOUNT, Emulated, free_port
from tests.local.standins.gateway_setup import REGION, api_resources, deployment_of, document, proxy
from tests.local.standins.test_services import is_running

HANDLER = b"""
import json, os

def handler(event, context):
    answer = {"id": event["pathParameters"]["id"], "region": os.environ["AWS_REGION"]}
    return {"statusCode": 200, "body": json.dumps(answer)}
"""


def create_function(emulated: Emulated, name: str) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", HANDLER)
    functions = emulated.client("lambda", REGION)
    functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=f"arn:aws:iam::{ACCOUNT}:role/{name}",
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
        Publish=True,
    )
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")


def write_deployment(
    emulated: Emulated, folder: Path, port: int, resources: list[DeployedResource] | None = None
) -> Path:
    declared = resources or api_resources(
        document({"/orders/{id}": {"get": proxy("process-test")}}), functions=["process-test"]
    )
    text = json.dumps([entry.model_dump(mode="json") for entry in declared]).replace("123456789012", ACCOUNT)
    deployment = deployment_of(
        [DeployedResource.model_validate(entry) for entry in json.loads(text)],
        state=folder,
        emulator_url=emulated.url,
        gateways={REGION: Gateway(port=port, url=f"http://127.0.0.1:{port}")},
    )
    path = folder / "deployment.json"
    deployment.model_copy(update={"account": ACCOUNT}).save(path)
    return path


@contextmanager
def standins(deployment: Path) -> Generator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "local.standins", "--deployment", str(deployment)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def next_line(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], 30)
    assert readable, "no line in time"
    return json.loads(process.stdout.readline())


def test_the_gateway_serves_the_function_of_the_embedded_aws_and_sigterm_ends_everything(
    emulated: Emulated, tmp_path: Path
) -> None:
    create_function(emulated, "process-test")
    port = free_port()

    with standins(write_deployment(emulated, tmp_path, port)) as process:
        assert next_line(process) == {"ready": True, "gateways": {REGION: f"http://127.0.0.1:{port}"}}
        response = httpx.get(f"http://127.0.0.1:{port}/orders/17", timeout=30)
        assert (response.status_code, response.json()) == (200, {"id": "17", "region": REGION})
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0

    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_taken_port_is_one_clear_sentence(emulated: Emulated, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with standins(write_deployment(emulated, tmp_path, port)) as process:
            _, complaint = process.communicate(timeout=30)

    assert process.returncode == 1
    assert complaint.strip() == f"port {port} of the gateway of {REGION} is taken by another program"


def test_an_api_that_can_not_be_served_is_refused_at_the_start(emulated: Emulated, tmp_path: Path) -> None:
    resources = api_resources(document({"/orders": {"get": proxy(integration={"type": "http"})}}))

    with standins(write_deployment(emulated, tmp_path, free_port(), resources)) as process:
        _, complaint = process.communicate(timeout=30)

    assert process.returncode == 1
    assert complaint.strip() == "GET /orders: integration type 'http'; the laptop serves aws_proxy, aws, mock"


def test_the_standins_end_with_their_parent(emulated: Emulated, tmp_path: Path) -> None:
    path = write_deployment(emulated, tmp_path, free_port())
    parent_code = (
        "import subprocess, sys, os, signal\n"
        f"child = subprocess.Popen([sys.executable, '-m', 'local.standins', '--deployment', {str(path)!r}],"
        " stdout=subprocess.PIPE, text=True)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    parent = subprocess.run(
        [sys.executable, "-c", parent_code], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
    )

    deadline = time.monotonic() + 10
    while is_running(int(parent.stdout)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
