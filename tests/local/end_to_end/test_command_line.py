"""`python -m local up` and `demo` as a person meets them: what they say, what works as pasted, and what is left."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
import psutil
import pytest

from local.emulator.settings import DEFAULT_PORT
from local.paths import ROOT
from local.preflight import PreflightError, check_ports, only_one
from local.processes import environment, python
from local.supervisor import FIRST_GATEWAY_PORT
from tests.local.end_to_end.shop import eventually

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import QueryOutputTypeDef

UP_SECONDS: Final = 120.0
COMMANDS: Final = "workloads.checkout.entrypoints.commands.handler"


@dataclass(frozen=True)
class Running:
    """A `python -m local` in a process group of its own, with a temporary folder of its own."""

    process: subprocess.Popen[bytes]
    output: Path
    temporary: Path

    @property
    def text(self) -> str:
        return self.output.read_text()

    def says(self, what: str) -> None:
        """Wait until it has said something."""
        eventually(lambda: self.text, lambda text: what in text or self.process.poll() is not None, seconds=UP_SECONDS)
        assert what in self.text

    def family(self) -> list[psutil.Process]:
        """Return the process and all that it has started."""
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def runs(self, argument: str) -> bool:
        """Tell whether a process was started with this argument."""
        with suppress(psutil.NoSuchProcess):
            return any(argument in process.cmdline() for process in self.family())
        return False

    def press_control_c(self) -> None:
        """Send what a terminal does: the signal to all of the group."""
        os.killpg(self.process.pid, signal.SIGINT)


@contextmanager
def started(command: str, directory: Path) -> Generator[Running]:
    _only_where_nothing_runs()
    output, temporary = directory / "output", directory / "temporary"
    temporary.mkdir()
    with output.open("wb") as out:
        process = subprocess.Popen(
            python("-m", "local", command),
            cwd=ROOT,
            env=environment(TMPDIR=str(temporary)),
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Running(process, output, temporary)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with started("up", tmp_path) as running:
        running.says("Ctrl-C")
        yield running


def test_what_it_says_works_as_pasted_and_nothing_is_left_of_it(tmp_path: Path, subtests: pytest.Subtests) -> None:
    began = time.monotonic()
    with started("up", tmp_path) as running:
        running.says("\n")
        assert time.monotonic() - began < 1.0
        running.says("Ctrl-C")
        lines = running.text.splitlines()
        exported = next(line for line in lines if line.startswith("export "))
        query = next(line for line in lines if line.startswith("aws dynamodb query "))

        with subtests.test("the lines for curl work as pasted"):
            order, view, health = (_curl(line) for line in lines if line.startswith("curl "))
            assert order.startswith("HTTP/1.1 201")
            assert json.loads(order.split("\r\n\r\n", 1)[1])["state"] == "Completed"
            assert json.loads(view)["wallet"]["balance"]["minorUnits"] > 0
            assert json.loads(health)["status"] == "ok"
        with subtests.test("the lines for the AWS command line work as pasted"):
            assert _aws_command_line(exported, query)["Count"] > 0
        with subtests.test("an SDK finds with their values what they show"):
            assert _sdk_query(exported, query)["Count"] > 0
        with subtests.test("a second one is told which process runs"):
            second = _refused_start()
            assert f"runs already, as process {running.process.pid}" in second

        family = running.family()
        assert len(family) > 3
        running.press_control_c()

        assert running.process.wait(30) == 0
        assert running.text.splitlines()[-1] == "taken down"
        _assert_nothing_is_left(running, family)


def test_control_c_while_the_demo_sends_its_requests_ends_it(tmp_path: Path) -> None:
    with started("demo", tmp_path) as running:
        running.says("up after")
        eventually(lambda: running.runs(COMMANDS), bool, seconds=UP_SECONDS)
        family = running.family()
        running.press_control_c()

        assert running.process.wait(30) == 130
        assert running.text.splitlines()[-2:] == ["taking everything down", "taken down"]
        assert "Traceback" not in running.text
        _assert_nothing_is_left(running, family)


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

        assert f"port {port} of 127.0.0.1 is taken" in _refused_start()


def _refused_start() -> str:
    """Start one that is refused; return the sentence in which it is."""
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
    return sentence


def _assert_nothing_is_left(running: Running, family: Sequence[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []
    assert list(running.temporary.iterdir()) == []


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


def _aws_command_line(exported: str, query: str) -> dict[str, Any]:
    """Run both lines as a shell would, if there is an AWS command line; the same call otherwise would prove less."""
    if subprocess.run(["/bin/sh", "-c", "aws --version"], capture_output=True, check=False).returncode != 0:
        pytest.skip("the AWS command line is not installed, so that its lines can not be tried as pasted")
    shown = subprocess.run(["/bin/sh", "-c", f"{exported}\n{query}"], capture_output=True, check=True, timeout=60)
    return json.loads(shown.stdout)


def _sdk_query(exported: str, query: str) -> QueryOutputTypeDef:
    """Make the call that the lines make."""
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
    return client.query(
        TableName=options["--table-name"],
        KeyConditionExpression=options["--key-condition-expression"],
        ExpressionAttributeValues=json.loads(options["--expression-attribute-values"]),
    )
