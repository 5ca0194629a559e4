"""A call of the SDK reaches the embedded AWS in one piece."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import botocore
import pytest

from local import sdk
from local.paths import ROOT

CALLER = """
import botocore.session
client = botocore.session.get_session().create_client("dynamodb", region_name="us-east-1")
print(client.get_item(TableName="table", Key={"pk": {"S": "k"}})["Item"])
"""
ANSWER = b'{"Item": {"pk": {"S": "k"}}}'


def test_head_and_body_leave_in_one_write(tmp_path: Path) -> None:
    (tmp_path / "caller.py").write_text(CALLER)
    with socket.create_server(("127.0.0.1", 0)) as server:
        environment = os.environ | {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.getsockname()[1]}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "PYTHONPATH": f"{ROOT}:{tmp_path}",
        }
        command = [sys.executable, "-m", "local.sdk", "caller"]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
            server.settimeout(20)
            connection, _ = server.accept()
            request = connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER))
            output, _ = process.communicate(timeout=20)

    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"POST / HTTP/1.1")
    assert body == b'{"TableName":"table","Key":{"pk":{"S":"k"}}}'.replace(b":", b": ").replace(b",", b", ")
    assert output == "{'pk': {'S': 'k'}}\n"


def test_another_version_of_botocore_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore, "__version__", "9.9.9")

    with pytest.raises(sdk.SdkError, match="was written for"):
        sdk.send_requests_in_one_write()
