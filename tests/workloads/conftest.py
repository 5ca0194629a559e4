"""What the workload tests share: one embedded AWS for the session, its clients, and tables as the cells have them."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import botocore.session
import pytest
from botocore.config import Config

from tests.workloads.regions import HERE, REGIONS, THERE
from tests.workloads.tables import replicated_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = ["HERE", "REGIONS", "THERE", "Emulator"]

_START_TIMEOUT: Final = 20
_PR_SET_PDEATHSIG: Final = 1
_SESSION: Final = botocore.session.Session()


class Emulator:
    """The embedded AWS of this test session: all Regions behind one URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region: str = HERE) -> Any:
        """Return the session's client of a service in a Region: to make one takes longer than most tests."""
        if (service, region) not in self._clients:
            self._clients[service, region] = self.new_client(service, region)
        return self._clients[service, region]

    def new_client(self, service: str, region: str = HERE) -> Any:
        """Return a client of the caller's own, without retries, so that a test sees the first failure."""
        return _SESSION.create_client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, max_pool_connections=32),
        )

    def dynamodb(self, region: str = HERE) -> DynamoDBClient:
        """Return a client of DynamoDB in a Region."""
        return self.client("dynamodb", region)

    def table(self, name: str, *, regions: tuple[str, ...] = REGIONS) -> str:
        """Make a table with keys `pk` and `sk`, a stream and a replica in each Region; return its unique name."""
        return replicated_table(self.dynamodb(regions[0]), name, regions)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """Start the embedded AWS in a process of its own, and stop it at the end."""
    port = _free_port()
    environment = {
        **os.environ,
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(tmp_path_factory.mktemp("emulator-state")),
        "SFN_WAIT_SCALE": "0",
        "LOG_LEVEL": "WARNING",
    }
    log = tmp_path_factory.mktemp("emulator") / "log"
    url = f"http://127.0.0.1:{port}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack"],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=_die_with_the_parent,  # noqa: PLW1509 - no threads run yet in a session's first fixture
        )
    try:
        _await_health(url, process, log)
        yield Emulator(url)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def make_table(emulator: Emulator) -> Callable[[str], str]:
    """Return a factory of two-Region tables: each call makes a new one, so that tests need no reset between them."""
    return emulator.table


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with_the_parent() -> None:
    """Ask the kernel to end this child when the test process ends, however it ends (prctl(2))."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _await_health(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/_ministack/health", timeout=1):  # noqa: S310 - a URL of our own
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    pytest.fail(f"the embedded AWS did not start within {_START_TIMEOUT} s:\n{log.read_text()[-2000:]}")
