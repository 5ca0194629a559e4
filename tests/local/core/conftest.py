"""One emulator for all tests of the core, on a port that was free."""

import json
import socket
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local.emulator import control
from local.emulator.settings import EmulatorSettings
from local.handlers.base import Context
from local.handlers.registry import handler_for
from local.recording import RecordedResource

ACCOUNT = "000000000000"


@dataclass(frozen=True)
class Laboratory:
    """The emulator with what it printed."""

    context: Context
    directory: Path
    reports: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def create(self, type_: str, name: str, **inputs: Any) -> RecordedResource:
        """Create a resource in us-east-1 by its handler."""
        resource = declare(type_, name, **inputs)
        id_, outputs = handler_for(type_).create(self.context, resource)
        return declare(type_, name, id_=id_, outputs=outputs, **inputs)


def declare(
    type_: str, name: str, *, id_: str = "", outputs: dict[str, Any] | None = None, **inputs: Any
) -> RecordedResource:
    return RecordedResource(
        urn=f"urn:pulumi:test::meridian::{type_}::{name}",
        type=type_,
        name=name,
        custom=True,
        stack="test",
        inputs={"region": "us-east-1", "name": name} | inputs,
        id=id_,
        outputs=outputs or {},
    )


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Generator[Laboratory]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    directory = tmp_path_factory.mktemp("emulator")
    settings = EmulatorSettings(state_directory=directory, port=port, workers=2)
    child = control.start(settings)
    laboratory = Laboratory(Context(settings.url, ACCOUNT), directory)

    def listen() -> None:
        for line in child.lines:
            laboratory.reports.append(json.loads(line))

    threading.Thread(target=listen, daemon=True).start()
    try:
        control.wait_until_healthy(child, settings)
        yield laboratory
    finally:
        control.stop(child, settings)


@pytest.fixture
def deploy_function(laboratory: Laboratory) -> Callable[..., RecordedResource]:
    def deploy(name: str, handler: str, *, timeout: int = 20, **variables: str) -> RecordedResource:
        return laboratory.create(
            "aws:lambda/function:Function",
            name,
            packageType="Image",
            imageUri="000000000000.dkr.ecr.us-east-1.amazonaws.com/meridian/sample@sha256:abc",
            imageConfig={"commands": [f"tests.local.core.sample_functions.{handler}"]},
            role="arn:aws:iam::000000000000:role/sample",
            timeout=timeout,
            memorySize=256,
            publish=True,
            environment={"variables": variables},
        )

    return deploy
