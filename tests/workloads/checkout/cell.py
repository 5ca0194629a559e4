"""Checkout's state as two Regions see it: on the embedded AWS, or in memory under the same conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tests.workloads.checkout.builders import FakeClock, ports_on
from tests.workloads.checkout.memory_store import MemoryStore, State
from tests.workloads.conftest import HERE, REGIONS, Emulator
from workloads.checkout.adapters import items as read
from workloads.checkout.adapters.attributes import read_item
from workloads.checkout.adapters.dynamodb import DynamoDbStore
from workloads.checkout.application.ports import OutboxEntry, Ports
from workloads.checkout.domain.wallet import PaymentState
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
            keys = [{"Key": {name: {"S": item[name]} for name in ("pk", "sk")}} for item in self.items(table)]
            for start in range(0, len(keys), 25):
                requests: Any = {table: [{"DeleteRequest": key} for key in keys[start : start + 25]]}
                self.emulator.dynamodb().batch_write_item(RequestItems=requests)

    def state(self) -> State:  # noqa: C901, PLR0912 - one branch a kind of item
        """Read everything that is stored."""
        state = State()
        for item in self.items():
            kind, _, identifier = item["pk"].partition("#")
            match kind, item["sk"].split("#")[:2]:
                case "ORDER", ["ORDER"]:
                    state.orders[identifier] = read.read_order(item)
                case "ORDER", ["RESERVATION"]:
                    state.reservations[identifier] = read.read_reservation(item)
                case (("ORDER" | "DEPOSIT"), ["HANDOVER", region]):
                    state.handovers[identifier, region] = read.read_handover(item)
                case "WALLET", ["WALLET"]:
                    state.wallets[identifier] = read.read_wallet(identifier, item)
                case "WALLET", ["ENTRY", "DEPOSIT"]:
                    state.deposits[item["deposit_id"]] = read.read_deposit(item)
                case "WALLET", ["ENTRY", "DEBIT"]:
                    state.payments[item["order_id"]] = read.read_payment(item)
                case "WALLET", ["ENTRY", "REFUND"]:
                    state.refunds[item["order_id"]] = read.read_payment({**item, "state": PaymentState.REFUNDED})
                case "PRICE", [region]:
                    state.prices[identifier, region] = read.read_price(item)
                case "ALLOTMENT", ["ALLOTMENT"]:
                    state.allotments[item["sku"], item["region"]] = read.read_allotment(item)
                case "COMMAND", ["COMMAND"]:
                    state.commands[identifier] = read.read_command(item)
                case unknown:
                    message = f"an item of no known kind: {unknown}"
                    raise AssertionError(message)
        for item in self.items(self.outbox):
            entry = OutboxEntry(aggregate=item["pk"], sequence=int(item["sk"]), event=decode(item["event"]))
            state.outbox[entry.aggregate, entry.sequence] = entry
        return state

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
