"""One laptop for the whole session, brought up as `make local` does it, on free ports beside any other."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator

import pytest

from local.deployment import Deployment
from local.supervisor import Laptop, load_deployment
from local.tree import Tree
from tests.local.end_to_end.shop import Shop


@pytest.fixture(scope="session")
def deployment() -> Iterator[Deployment]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    port, first_gateway_port = free_ports(1), free_ports(2)
    try:
        with Laptop(Tree(), port=port, first_gateway_port=first_gateway_port) as laptop:
            laptop.up()
            yield load_deployment(laptop)
    finally:
        # The laptop takes signals for itself and ignores them in the end; this process goes on.
        for number, handler in handlers.items():
            signal.signal(number, handler)


@pytest.fixture(scope="session")
def shop(deployment: Deployment) -> Iterator[Shop]:
    shop = Shop(deployment)
    yield shop
    shop.close()


def free_ports(count: int) -> int:
    """Return the first of so many consecutive ports on which nothing listens."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first = int(probe.getsockname()[1])
        if first + count <= 65_535 and all(_is_free(port) for port in range(first, first + count)):
            return first


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
