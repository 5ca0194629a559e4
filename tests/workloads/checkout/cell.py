"""Checkout's state as two Regions see it: on the embedded AWS, or in memory under the same conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tests.workloads.checkout.builders import FakeClock, ports_on
from tests.workloads.checkout.memory_store import MemoryStore
from tests.workloads.conftest import HERE, REGIONS, Emulator
from workloads.checkout.adapters.attributes import read_item
from workloads.checkout.adapters.dynamodb import DynamoDbStore
from workloads.checkout.application.ports import Ports
from workloads.contracts.envelope import CloudEvent, decode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Cells:
    """Both Regions' replicas of one pair of tables."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.table = emulator.table("checkout")
        self.outbox = emulator.table("checkout-outbox")
        self.clock = FakeClock()

    def ports(self, region: str = HERE, client: DynamoDBClient | None = None) -> Ports:
        store = DynamoDbStore(
            client or self.emulator.dynamodb(region),
            table=self.table,
            outbox=self.outbox,
            region=region,
            regions=REGIONS,
            clock=self.clock,
        )
        return ports_on(store, region, self.clock)

    def items(self, table: str = "") -> list[dict[str, Any]]:
        pages = self.emulator.dynamodb().get_paginator("scan").paginate(TableName=table or self.table)
        return [read_item(item) for page in pages for item in page["Items"]]

    def empty(self) -> None:
        for table in (self.table, self.outbox):
            for item in self.items(table):
                key = {name: {"S": item[name]} for name in ("pk", "sk")}
                self.emulator.dynamodb().delete_item(TableName=table, Key=key)

    def events(self) -> list[CloudEvent]:
        return [decode(item["event"]) for item in self.items(self.outbox)]


class MemoryCells:
    """The same in memory."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.clock = FakeClock()

    def ports(self, region: str = HERE) -> Ports:
        return ports_on(self.store, region, self.clock)

    def events(self) -> list[CloudEvent]:
        return [entry.event for entry in self.store.state.outbox.values()]


AnyCells = Cells | MemoryCells


def events_of(cells: AnyCells, kind: str) -> list[dict[str, Any]]:
    """Return the payloads of all events of one type, in the order of their time."""
    events = sorted(cells.events(), key=lambda event: event.time or "")
    return [msgspec.json.decode(event.data) for event in events if event.type == kind]
