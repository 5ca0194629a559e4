"""A cell that sells by tokens on the embedded AWS: the real adapters, in as many processes as wanted."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from uuid import uuid4

import msgspec

from tests.workloads.checkout.builders import replaced
from tests.workloads.checkout.cell import Cells
from tests.workloads.conftest import HERE, REGIONS, Emulator
from workloads.checkout.adapters.dynamodb import DynamoDbStore
from workloads.checkout.adapters.token_ledger import DynamoDbTokenLedger
from workloads.checkout.adapters.token_queues import SqsTokenQueues
from workloads.checkout.application.deciding import UndecidedError
from workloads.checkout.application.hot_items.ports import HotItems
from workloads.checkout.application.hot_items.refilling import refill
from workloads.checkout.application.hot_items.tending import tend
from workloads.checkout.application.ports import Ports
from workloads.contracts.clock import SystemClock

HIDDEN_SECONDS = 2


class HotCell(msgspec.Struct, frozen=True, kw_only=True):
    """What a process needs to know to work in the cell."""

    url: str
    table: str
    outbox: str
    tokens: str
    care: str

    def ports(self, emulator: Emulator | None = None) -> Ports:
        emulator, clock = emulator or Emulator(self.url), SystemClock()
        store = DynamoDbStore(
            emulator.dynamodb(), table=self.table, outbox=self.outbox, region=HERE, regions=REGIONS, clock=clock
        )
        queues = SqsTokenQueues(lambda: emulator.client("sqs"), urls=[self.tokens], care_url=self.care, clock=clock)
        ledger = DynamoDbTokenLedger(emulator.dynamodb(), table=self.table, region=HERE)
        hot_items = HotItems(queues=queues, ledger=ledger)
        return Ports(store=store, clock=clock, sleep=time.sleep, region=HERE, regions=REGIONS, hot_items=hot_items)


def hot_cell(cells: Cells) -> HotCell:
    """Return a cell with a token queue of its own."""
    sqs = cells.emulator.client("sqs")
    name = f"tokens-{uuid4().hex[:8]}"
    tokens = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": str(HIDDEN_SECONDS)})["QueueUrl"]
    care = sqs.create_queue(QueueName=f"{name}-care")["QueueUrl"]
    return HotCell(url=cells.emulator.url, table=cells.table, outbox=cells.outbox, tokens=tokens, care=care)


def tend_now(ports: Ports, sku: str) -> bool:
    """Do a piece of work; a conflict with others is as good as a wake-up that comes later."""
    try:
        return tend(ports, sku)
    except UndecidedError:
        return True


class FastClock:
    """A clock on which a minute passes in a second: messages are found missing as soon as that."""

    def __init__(self) -> None:
        self._start = datetime.now(UTC)

    def now(self) -> datetime:
        return self._start + 60 * (datetime.now(UTC) - self._start)


@contextmanager
def caretaker(ports: Ports, sku: str) -> Generator[None]:
    """Look after a SKU in the background, as the function does that is woken for it, and by the clock."""
    over = threading.Event()
    by_the_clock = replaced(ports, clock=FastClock())

    def look_after() -> None:
        while not over.is_set():
            if not tend_now(ports, sku):
                with suppress(UndecidedError):
                    refill(by_the_clock, sku)
                over.wait(0.2)

    thread = threading.Thread(target=look_after)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
