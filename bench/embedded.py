"""The embedded AWS for benchmarks: the laptop mode's own, on a free port, with the tables that are asked for."""

import socket
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import botocore.session

from local.emulator import control
from local.emulator.settings import EmulatorSettings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

REGION: Final = "us-east-1"
REGIONS: Final = (REGION, "eu-west-1")


@dataclass(frozen=True)
class Embedded:
    """A running embedded AWS."""

    url: str

    def client(self, service: str, region: str = REGION) -> Any:
        """Return a client of a service."""
        return botocore.session.get_session().create_client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - the embedded AWS asks for any
        )

    @property
    def dynamodb(self) -> "DynamoDBClient":
        """Return a client of DynamoDB."""
        return self.client("dynamodb")

    def table(self, name: str, *, partition: str = "pk", sort: str | None = "sk") -> str:
        """Make a table with string keys; return its name."""
        keys = [(partition, "HASH"), *([(sort, "RANGE")] if sort else [])]
        self.client("dynamodb").create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in keys],
            BillingMode="PAY_PER_REQUEST",
        )
        return name


@contextmanager
def embedded_aws(folder: Path, **settings: Any) -> Generator[Embedded]:
    """Run the embedded AWS; its files lie below the folder."""
    chosen = EmulatorSettings(state_directory=folder / "emulator", port=_free_port(), **settings)
    child = control.start(chosen)
    try:
        control.wait_until_healthy(child, chosen)
        yield Embedded(chosen.url)
    finally:
        control.stop(child, chosen)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
