# botocore has no interface for what is changed here; the pinned version is the check instead.
# pyright: reportPrivateUsage=false
"""Runs a workload's module with an SDK that wakes the embedded AWS once a request: `python -m local.sdk MODULE …`.

botocore hands head and body to the kernel one after the other. On one machine each of them wakes the receiving process,
which finds half a request first: a quarter of what a call takes here, and nothing of it on AWS, where the network is
in between.
"""

import runpy
import sys
from collections.abc import Mapping
from typing import Any, Final, cast

import botocore
from botocore.awsrequest import AWSConnection

BOTOCORE_VERSION: Final = "1.43.106"


class SdkError(Exception):
    """The installed botocore is not the one that the change was written for."""


def send_requests_in_one_write() -> None:
    """Hold the head of a request back until its body follows."""
    if botocore.__version__ != BOTOCORE_VERSION:
        message = f"botocore {botocore.__version__} is installed; local/sdk.py was written for {BOTOCORE_VERSION}"
        raise SdkError(message)
    connection: Any = AWSConnection
    request, send_output, send = connection.request, connection._send_output, connection.send

    def request_whole(
        self: Any, method: str, url: str, body: Any = None, headers: Mapping[str, Any] | None = None, **options: Any
    ) -> Any:
        # A request that asks first whether its body is wanted has to send its head first.
        self._holds_head = isinstance(body, bytes) and bool(body) and "Expect" not in (headers or {})
        self._held_head = b""
        return request(self, method, url, body, headers, **options)

    def hold_head(self: Any, message_body: Any = None, *arguments: Any, **options: Any) -> None:
        if not self._holds_head:
            send_output(self, message_body, *arguments, **options)
            return
        self._buffer.extend((b"", b""))
        self._held_head = self._convert_to_bytes(self._buffer)
        self._buffer.clear()

    def send_with_head(self: Any, data: Any) -> Any:
        if held := cast("bytes", getattr(self, "_held_head", b"")):
            self._held_head = b""
            data = held + data
        return send(self, data)

    connection.request = request_whole
    connection._send_output = hold_head
    connection.send = send_with_head


if __name__ == "__main__":
    send_requests_in_one_write()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
