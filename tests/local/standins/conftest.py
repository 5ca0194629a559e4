import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.deployment import TEST_CREDENTIALS
from local.emulator import control
from local.emulator.settings import EmulatorSettings

ACCOUNT = "000000000000"


@dataclass(frozen=True)
class Emulated:
    """A running embedded AWS."""

    url: str

    def client(self, service: Any, region: str) -> Any:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=TEST_CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=TEST_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulated]:
    settings = EmulatorSettings(state_directory=Path(tmp_path_factory.mktemp("emulator")), port=free_port(), workers=2)
    child = control.start(settings)
    try:
        control.wait_until_healthy(child, settings)
        yield Emulated(settings.url)
    finally:
        control.stop(child, settings)
