"""What a workload meets when it calls the embedded AWS by the SDK as the laptop runs it."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import botocore
import pytest

from local import sdk
from local.paths import ROOT

PRELUDE = """
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError

config = Config(connect_timeout=2, read_timeout=0.3, retries={"mode": "standard", "total_max_attempts": 1})
client = botocore.session.get_session().create_client("dynamodb", region_name="us-east-1", config=config)

def call():
    try:
        return client.get_item(TableName="table", Key={"pk": {"S": "k"}})["Item"]["pk"]["S"]
    except BotoCoreError as error:
        return type(error).__name__
"""
BODY = b'{"Item": {"pk": {"S": "k"}}}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)

Calls = Callable[[str], Future[str]]


@pytest.fixture
def server() -> Generator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        yield server


@pytest.fixture
def run(server: socket.socket, tmp_path: Path) -> Generator[Calls]:
    """Run a caller as a module under the laptop's SDK; its future holds what it printed."""
    environment = os.environ | {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.getsockname()[1]}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "PYTHONPATH": f"{ROOT}:{tmp_path}",
    }
    command = [sys.executable, "-m", "local.sdk", "caller"]

    def caller(code: str) -> str:
        (tmp_path / "caller.py").write_text(PRELUDE + code)
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=True).stdout

    with ThreadPoolExecutor(1) as pool:
        yield lambda code: pool.submit(caller, code)


def test_head_and_body_of_a_call_leave_in_one_write(server: socket.socket, run: Calls) -> None:
    output = run("print(call())")
    connection, _ = server.accept()

    head, _, body = connection.recv(65_536).partition(b"\r\n\r\n")
    connection.sendall(ANSWER)

    assert head.startswith(b"POST / HTTP/1.1")
    assert body == b'{"TableName": "table", "Key": {"pk": {"S": "k"}}}'
    assert output.result() == "k\n"


def test_a_call_says_who_calls_what_in_which_region(server: socket.socket, run: Calls) -> None:
    output = run("print(call())")
    connection, _ = server.accept()

    head = connection.recv(65_536)
    connection.sendall(ANSWER)

    assert re.search(
        rb"Authorization: AWS4-HMAC-SHA256 Credential=test/[0-9]{8}/us-east-1/dynamodb/aws4_request, ", head
    )
    assert output.result() == "k\n"


def test_nobody_calls_without_credentials(run: Calls) -> None:
    assert run("client._request_signer._credentials = None; print(call())").result() == "NoCredentialsError\n"


def test_calls_share_a_connection(server: socket.socket, run: Calls) -> None:
    output = run("print(call(), call())")
    connection, _ = server.accept()
    for _ in range(2):
        connection.recv(65_536)
        connection.sendall(ANSWER)

    assert output.result() == "k k\n"


def test_an_answer_that_does_not_come_is_a_read_time_out(server: socket.socket, run: Calls) -> None:
    output = run("print(call(), call())")
    silent, _ = server.accept()
    silent.recv(65_536)
    healthy, _ = server.accept()
    healthy.recv(65_536)
    healthy.sendall(ANSWER)

    assert output.result() == "ReadTimeoutError k\n"


def test_a_connection_that_was_closed_meanwhile_is_not_used_again(server: socket.socket, run: Calls) -> None:
    output = run("print(call()); import time; time.sleep(0.2); print(call())")
    first, _ = server.accept()
    first.recv(65_536)
    first.sendall(ANSWER)
    first.close()
    second, _ = server.accept()
    second.recv(65_536)
    second.sendall(ANSWER)

    assert output.result() == "k\nk\n"


def test_half_an_answer_is_a_closed_connection(server: socket.socket, run: Calls) -> None:
    output = run("print(call())")
    connection, _ = server.accept()
    connection.recv(65_536)
    connection.sendall(ANSWER[:-3])
    connection.close()

    assert output.result() == "ConnectionClosedError\n"


def test_an_endpoint_where_nobody_listens_is_named(server: socket.socket, run: Calls) -> None:
    server.close()

    assert run("print(call())").result() == "EndpointConnectionError\n"


def test_another_version_of_botocore_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore, "__version__", "9.9.9")

    with pytest.raises(sdk.SdkError, match="was written for"):
        sdk.speak_directly()
