"""`pulumi-resource-<package>`: serves a package to the engine that started this process, and ends with it."""

import argparse
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any, Final

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from local.handlers.base import Context
from local.provider.ledger import Ledger
from local.provider.servicer import ProviderServicer

_LARGEST_MESSAGE: Final = 400 << 20  # bytes, the engine's own limit
_PARENT_CHECK_SECONDS: Final = 0.25


def main(arguments: list[str], serving: type[ProviderServicer] = ProviderServicer) -> None:
    """Serve until the engine ends or says so."""
    parser = argparse.ArgumentParser(prog="python -m local.provider", description=__doc__)
    parser.add_argument("package", choices=["aws", "docker-build"])
    parser.add_argument("--emulator-url", required=True)
    parser.add_argument("--account", required=True)
    parser.add_argument("--ledger", type=Path, required=True)
    # The engine adds its own address and its flags for logging.
    known, _ = parser.parse_known_args(arguments)
    servicer = serving(known.package, Context(known.emulator_url, known.account), Ledger(known.ledger))
    sizes = [(f"grpc.max_{way}_message_length", _LARGEST_MESSAGE) for way in ("receive", "send")]
    server = grpc.server(ThreadPoolExecutor(16), options=sizes)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    _end_with_the_engine(server)


def _end_with_the_engine(server: Any) -> None:
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    parent = os.getppid()
    while not ended.wait(_PARENT_CHECK_SECONDS) and os.getppid() == parent:
        pass
    server.stop(0)
    # Nothing is left to do, and taking the SDK's objects apart would take a second.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
