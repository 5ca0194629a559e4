"""`python -m local up` as a person meets it: what it says, what works as pasted, and what it leaves behind."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import psutil
import pytest

from local.emulator.settings import DEFAULT_PORT
from local.paths import ROOT
from local.preflight import PreflightError, check_ports, only_one
from local.processes import environment, python
from local.supervisor import FIRST_GATEWAY_PORT
from tests.local.end_to_end.shop import eventually

UP_SECONDS = 120.0


@dataclass(frozen=True)
class Running:
    """A `python -m local up` in a process of its own, with a temporary folder of its own."""

    process: subprocess.Popen[bytes]
    output: Path
    temporary: Path
    first_line_seconds: float

    @property
    def text(self) -> str:
        return self.output.read_text()

    def family(self) -> list[psutil.Process]:
        """Return the process and all that it has started."""
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    _only_where_nothing_runs()
    output, temporary = tmp_path / "output", tmp_path / "temporary"
    temporary.mkdir()
    started = time.monotonic()
    with output.open("wb") as out:
        process = subprocess.Popen(
            python("-m", "local", "up"),
            cwd=ROOT,
            env=environment(TMPDIR=str(temporary)),
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        eventually(output.read_text, lambda text: "\n" in text)
        first_line_seconds = time.monotonic() - started
        eventually(output.read_text, lambda text: "Ctrl-C" in text, seconds=UP_SECONDS)
        yield Running(process, output, temporary, first_line_seconds)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def test_what_it_says_works_as_pasted_and_nothing_is_left_of_it(running: Running) -> None:
    assert running.first_line_seconds < 1.0
    lines = running.text.splitlines()

    order, view, health = (_curl(line) for line in lines if line.startswith("curl "))
    assert order.startswith("HTTP/1.1 201")
    assert json.loads(order.split("\r\n\r\n", 1)[1])["state"] == "Completed"
    assert json.loads(view)["wallet"]["balance"]["minorUnits"] > 0
    assert json.loads(health)["status"] == "ok"
    exported = next(line for line in lines if line.startswith("export "))
    query = next(line for line in lines if line.startswith("aws dynamodb query "))
    _try_the_aws_command_line(exported, query)

    family = running.family()
    assert len(family) > 3
    second = subprocess.run(
        python("-m", "local", "up"),
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert second.returncode == 1
    assert f"runs already, as process {running.process.pid}" in second.stderr
    assert len(second.stderr.splitlines()) == 1

    running.process.send_signal(signal.SIGINT)

    assert running.process.wait(30) == 0
    assert running.text.splitlines()[-1] == "taken down"
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []
    assert list(running.temporary.iterdir()) == []


def test_nothing_that_it_started_outlives_its_sudden_end(running: Running) -> None:
    family = running.family()

    running.process.kill()
    running.process.wait()

    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []


@pytest.mark.parametrize("port", [DEFAULT_PORT, FIRST_GATEWAY_PORT, FIRST_GATEWAY_PORT + 1])
def test_a_port_that_is_taken_is_one_sentence(port: int) -> None:
    _only_where_nothing_runs()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()

        refused = subprocess.run(
            python("-m", "local", "up"),
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    assert refused.returncode == 1
    (sentence,) = refused.stderr.splitlines()
    assert f"port {port} of 127.0.0.1 is taken" in sentence


def _only_where_nothing_runs() -> None:
    """The command has its ports fixed: a laptop mode that someone uses must not be disturbed."""
    try:
        with only_one():
            check_ports([DEFAULT_PORT, FIRST_GATEWAY_PORT, FIRST_GATEWAY_PORT + 1])
    except PreflightError as error:
        pytest.skip(f"the laptop mode can not be started beside what is there: {error}")


def _curl(line: str) -> str:
    """Run a line as a shell would, if there is a curl; the same request otherwise would prove less."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed, so that the lines can not be tried as pasted")
    return subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=True, timeout=60).stdout.decode()


def _try_the_aws_command_line(exported: str, query: str) -> None:
    """Run both lines as pasted; without an installed AWS command line, make the same call with what they say."""
    if subprocess.run(["/bin/sh", "-c", "aws --version"], capture_output=True, check=False).returncode == 0:
        shown = subprocess.run(
            ["/bin/sh", "-c", f"{exported}\n{query}"], capture_output=True, check=True, timeout=60
        ).stdout
        assert json.loads(shown)["Count"] > 0
        return
    variables = dict(pair.split("=", 1) for pair in shlex.split(exported)[1:])
    words = shlex.split(query)
    options = dict(zip(words[3::2], words[4::2], strict=True))
    client = boto3.client(
        "dynamodb",
        region_name=variables["AWS_DEFAULT_REGION"],
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
    )
    found = client.query(
        TableName=options["--table-name"],
        KeyConditionExpression=options["--key-condition-expression"],
        ExpressionAttributeValues=json.loads(options["--expression-attribute-values"]),
    )
    assert found["Count"] > 0
