"""Two cells of checkout on the embedded AWS, for the tests of adapters and entrypoints."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.workloads.conftest import HERE, REGIONS, Emulator
from workloads.checkout.adapters.attributes import read_item
from workloads.checkout.adapters.dynamodb import DynamoDbStore
from workloads.checkout.application.ports import Ports

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class FakeClock:
    """A clock that only the test and the sleeper move."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
        self.slept = 0.0

    def now(self) -> datetime:
        self.moment += timedelta(microseconds=1)
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.moment += timedelta(seconds=seconds)


class Cells:
    """Both Regions' replicas of one pair of tables."""

    def __init__(self, emulator: Emulator, *, table: str, outbox: str) -> None:
        self.emulator = emulator
        self.table = table
        self.outbox = outbox
        self.clock = FakeClock()

    def ports(self, region: str = HERE, client: DynamoDBClient | None = None, **changes: Any) -> Ports:
        store = DynamoDbStore(
            client or self.emulator.dynamodb(region),
            table=self.table,
            outbox=self.outbox,
            region=region,
            regions=REGIONS,
            clock=self.clock,
        )
        defaults: dict[str, Any] = {"sleep": self.clock.sleep, "regions": REGIONS, **changes}
        return Ports(store=store, clock=self.clock, region=region, **defaults)

    def items(self, table: str | None = None, region: str = HERE) -> list[dict[str, Any]]:
        pages = self.emulator.dynamodb(region).get_paginator("scan").paginate(TableName=table or self.table)
        return [read_item(item) for page in pages for item in page["Items"]]

    def events(self, region: str = HERE) -> list[dict[str, Any]]:
        return self.items(self.outbox, region)


def make_cells(emulator: Emulator, make_table: Callable[[str], str]) -> Cells:
    return Cells(emulator, table=make_table("checkout"), outbox=make_table("checkout-outbox"))
