"""The laptop mode for benchmarks, on free ports, with the shop that the end-to-end tests use."""

import signal
from collections.abc import Generator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

from local.supervisor import Laptop, load_deployment
from local.tree import Tree
from tests.local.end_to_end.conftest import free_ports
from tests.local.end_to_end.shop import Shop


@contextmanager
def running_shop(*, request_log: Path | None = None) -> Generator[Shop]:
    """Bring both Regions up, and take them down in the end."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        with Laptop(
            Tree(StringIO()), port=free_ports(1), first_gateway_port=free_ports(2), request_log=request_log
        ) as laptop:
            laptop.up()
            shop = Shop(load_deployment(laptop))
            try:
                yield shop
            finally:
                shop.close()
    finally:
        # The laptop takes signals for itself and ignores them in the end.
        for number, handler in handlers.items():
            signal.signal(number, handler)
