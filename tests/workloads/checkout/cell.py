"""Checkout's state as two Regions see it: on the embedded AWS, or on the model of it, under the real adapters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from tests.simulation.aws import ModelledAws
from tests.workloads.checkout.builders import FakeClock, ports_on
from tests.workloads.checkout.state import State, read_state
from tests.workloads.conftest import HERE, REGIONS, Emulator
from workloads.checkout.adapters.attributes import read_item, write_item
from workloads.checkout.adapters.dynamodb import DynamoDbStore
from workloads.checkout.adapters.items import Fields
from workloads.checkout.application.ports import Ports
from workloads.contracts.envelope import CloudEvent, decode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Aws(Protocol):
    """The embedded AWS, or the model."""

    def dynamodb(self, region: str = HERE) -> DynamoDBClient: ...

    def table(self, name: str) -> str: ...


class AnyCells:
    """Both Regions' replicas of one pair of tables."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self.table = aws.table("checkout")
        self.outbox = aws.table("checkout-outbox")
        self.clock = FakeClock()

    def client(self, region: str) -> DynamoDBClient:
        return self._aws.dynamodb(region)

    def ports(self, region: str = HERE, client: DynamoDBClient | None = None) -> Ports:
        store = DynamoDbStore(
            client or self.client(region),
            table=self.table,
            outbox=self.outbox,
            region=region,
            regions=REGIONS,
            clock=self.clock,
        )
        return ports_on(store, region, self.clock)

    def items(self, table: str = "", region: str = HERE) -> list[dict[str, Any]]:
        pages = self._aws.dynamodb(region).get_paginator("scan").paginate(TableName=table or self.table)
        return [read_item(item) for page in pages for item in page["Items"]]

    def put(self, item: Fields) -> None:
        """Put an item as it is, as another release may have left it."""
        self._aws.dynamodb(HERE).put_item(TableName=self.table, Item=write_item(item))

    def state(self) -> State:
        """Read everything that is stored."""
        return read_state(self.items(), self.items(self.outbox))

    def events(self) -> list[CloudEvent]:
        return [decode(item["event"]) for item in self.items(self.outbox)]


class Cells(AnyCells):
    """On the embedded AWS."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__(emulator)
        self.emulator = emulator

    def empty(self) -> None:
        for table in (self.table, self.outbox):
            keys = [{"Key": {name: {"S": item[name]} for name in ("pk", "sk")}} for item in self.items(table)]
            for start in range(0, len(keys), 25):
                requests: Any = {table: [{"DeleteRequest": key} for key in keys[start : start + 25]]}
                self.emulator.dynamodb().batch_write_item(RequestItems=requests)


class MemoryCells(AnyCells):
    """On the model. `before_commit` lets a test act between the reads of a decision and its commit."""

    def __init__(self) -> None:
        self.aws = ModelledAws()
        super().__init__(self.aws)
        self.before_commit: Callable[[], None] = _nothing
        self.after_commit: Callable[[], None] = _nothing

    def client(self, region: str) -> DynamoDBClient:
        return self.aws.dynamodb(region, self._network)

    def _network(
        self, operation: str, _request: Mapping[str, Any], carry_out: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        if operation != "TransactWriteItems":
            return carry_out()
        self.before_commit()
        answer = carry_out()
        self.after_commit()
        return answer


def events_of(cells: AnyCells, kind: str) -> list[dict[str, Any]]:
    """Return the payloads of all events of one type, in the order of their time."""
    events = sorted(cells.events(), key=lambda event: event.time or "")
    return [msgspec.json.decode(event.data) for event in events if event.type == kind]


def _nothing() -> None:
    return None
