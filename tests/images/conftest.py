"""Builds each context's image once a session."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.images.builders import Builder, Container, available_builder

CONTEXTS = ("identity", "checkout", "loyalty", "singleview")

Start = Callable[[str, list[str], Mapping[str, str]], Container]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "images: builds and starts container images (slow, needs a container builder)")


@pytest.fixture(scope="session")
def builder() -> Builder:
    """The machine's container builder; where a pipeline relies on these tests, one that is missing is a failure."""
    try:
        return available_builder()
    except pytest.skip.Exception as missing:
        if "MERIDIAN_IMAGES_REQUIRED" in os.environ:
            pytest.fail(f"the images can not be built here: {missing.msg}")
        raise


@pytest.fixture(scope="session", params=CONTEXTS)
def context(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def build(builder: Builder) -> Callable[[str], str]:
    """Return a function that builds a context's image the first time, and returns its name."""
    built: dict[str, str] = {}

    def build(context: str) -> str:
        if context not in built:
            built[context] = builder.build(context)
        return built[context]

    return build


@pytest.fixture
def start(builder: Builder, build: Callable[[str], str]) -> Iterator[Start]:
    """Return a function that starts a command in a context's image; what it started is gone after the test."""
    containers: list[Container] = []

    def start(context: str, command: list[str], environment: Mapping[str, str]) -> Container:
        containers.append(builder.start(build(context), command, environment))
        return containers[-1]

    yield start
    for container in containers:
        container.remove()
