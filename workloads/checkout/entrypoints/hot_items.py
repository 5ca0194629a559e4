"""Lambda on the queue of hot SKUs that want looking after: counts, fills, drains and refills their pools of tokens."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import msgspec

from workloads.checkout.adapters.token_queues import HotItemCare, SqsTokenQueues
from workloads.checkout.application.hot_items.refilling import refill
from workloads.checkout.application.hot_items.tending import tend
from workloads.checkout.application.ports import Ports
from workloads.checkout.entrypoints.wiring import ports, token_queues, with_hot_items
from workloads.runtime.batches import consume_queue
from workloads.runtime.lifecycle import at_start
from workloads.runtime.logging import logger

_log: Final = logger("hot-items")

LONGEST: Final = 15.0
"""Seconds that one batch works: half of the function's time-out. What is left is asked for again."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Look after each SKU that a message names."""
    deadline = time.monotonic() + LONGEST
    return consume_queue(
        event, lambda body: look_after(_ports(), _queues(), body, is_late=lambda: time.monotonic() >= deadline)
    )


def look_after(ports: Ports, queues: SqsTokenQueues, body: str, *, is_late: Callable[[], bool]) -> None:
    """Work for the SKU that a message names until nothing is left to do; once it is late, ask for the rest again."""
    care = msgspec.json.decode(body, type=HotItemCare)
    while tend(ports, care.sku):
        if is_late():
            queues.ask_for_care(care)
            return
    if care.refill and (sent := refill(ports, care.sku)):
        _log.info("tokens sent again", extra={"sku": care.sku, "tokens": sent})


@cache
def _ports() -> Ports:
    return with_hot_items(ports())


@cache
def _queues() -> SqsTokenQueues:
    return token_queues()


at_start(_ports, _queues)
