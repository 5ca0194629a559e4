"""Lambda on the queue of this Region's stock levels: flags for the entry what is sold out, and looks for idle stock."""

from __future__ import annotations

from functools import cache
from typing import Any

from workloads.checkout.adapters.stock_watch import CloudWatchStockWatch
from workloads.checkout.application.follow_stock import StockWatch, follow_level
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain.allotment import LevelEvent
from workloads.checkout.entrypoints.wiring import ports
from workloads.contracts.envelope import MalformedEventError, decode_from_bus, open_message
from workloads.runtime import aws
from workloads.runtime.batches import consume_queue
from workloads.runtime.lifecycle import at_start


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Follow each event of a batch."""
    return consume_queue(event, lambda body: receive(_ports(), body, _watch()))


def receive(ports: Ports, body: str, watch: StockWatch) -> None:
    """Follow one event; raises MalformedEventError for what is none of the stock's: it ends as a dead letter."""
    event = open_message(decode_from_bus(body))
    if not isinstance(event, LevelEvent):
        message = f"{type(event).__name__} tells no level of stock: the rule on the bus is too wide"
        raise MalformedEventError(message)
    follow_level(ports, event, watch)


@cache
def _ports() -> Ports:
    return ports()


@cache
def _watch() -> StockWatch:
    return CloudWatchStockWatch(aws.cloudwatch())


at_start(_ports, _watch)
