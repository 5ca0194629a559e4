"""One laptop for the whole session, brought up as `make local` does it, on free ports beside any other."""

from __future__ import annotations

import socket
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import httpx
import pytest

from local.deployment import Deployment
from local.stopping import handled_by, request_stop
from local.supervisor import Laptop, load_deployment
from local.tree import Tree
from tests.local.end_to_end.faults import Saboteur
from tests.local.end_to_end.shop import Shop


class RememberedTree(Tree):
    """Keeps what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)
        super().say(line)


@pytest.fixture(scope="session")
def output() -> RememberedTree:
    """Return where the laptop of the session says what there is to say."""
    return RememberedTree()


@pytest.fixture(scope="session")
def deployment(output: RememberedTree) -> Iterator[Deployment]:
    port, first_gateway_port = free_ports(1), free_ports(2)
    # The laptop takes signals for itself and ignores them in the end; this process goes on.
    with (
        handled_by(request_stop),
        Laptop(output, port=port, first_gateway_port=first_gateway_port) as laptop,
    ):
        laptop.up()
        yield load_deployment(laptop)


@pytest.fixture(scope="session")
def shop(deployment: Deployment) -> Iterator[Shop]:
    shop = Shop(deployment)
    yield shop
    shop.close()


@pytest.fixture(scope="session")
def operators(shop: Shop) -> dict[str, str]:
    """Return the access token of an operator of each Region."""
    return {region: shop.operator(region, f"{region}.{shop.unique('operator')}") for region in shop.regions}


@pytest.fixture
def quick_retries(shop: Shop) -> Iterator[None]:
    """Let the saga's retries follow at once: as declared, they go on for hours."""
    with _waits_scaled(shop, by=0):
        yield


@pytest.fixture
def hurried_retries(shop: Shop) -> Iterator[None]:
    """Let the saga's retries follow soon, and go on for some minutes."""
    with _waits_scaled(shop, by=0.02):
        yield


@contextmanager
def _waits_scaled(shop: Shop, *, by: float) -> Generator[None]:
    config = f"{shop.deployment.emulator_url}/_ministack/config"
    httpx.post(config, json={"stepfunctions._SFN_WAIT_SCALE": by}, trust_env=False).raise_for_status()
    try:
        yield
    finally:
        httpx.post(config, json={"stepfunctions._SFN_WAIT_SCALE": 1}, trust_env=False).raise_for_status()


@pytest.fixture
def saboteur(shop: Shop) -> Iterator[Saboteur]:
    """Return who lets things fail; nothing does any more after the test."""
    saboteur = Saboteur(shop)
    yield saboteur
    saboteur.plan({})


@pytest.fixture
def impatient_queues(shop: Shop) -> Iterator[None]:
    """Let what a killed worker held come back after seconds: as declared, it is minutes."""
    declared: list[tuple[str, str, str]] = []
    for region in shop.regions:
        sqs = shop.sqs(region)
        for url in sqs.list_queues()["QueueUrls"]:
            known = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
            declared.append((region, url, known["VisibilityTimeout"]))
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "5"})
    yield
    for region, url, seconds in declared:
        shop.sqs(region).set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": seconds})


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
