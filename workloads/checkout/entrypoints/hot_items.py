"""Lambda on the queue of hot SKUs that want looking after: counts, fills, drains and refills their pools of tokens."""

from __future__ import annotations

import time
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

_LONGEST: Final = 15.0
"""Seconds that one batch works: half of the function's time-out. What is left is asked for again."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Look after each SKU that a message names."""
    deadline = time.monotonic() + _LONGEST
    return consume_queue(event, lambda body: _look_after(msgspec.json.decode(body, type=HotItemCare), deadline))


def _look_after(care: HotItemCare, deadline: float) -> None:
    while tend(_ports(), care.sku):
        if time.monotonic() >= deadline:
            _queues().ask_for_care(care)
            return
    if care.refill and (sent := refill(_ports(), care.sku)):
        _log.info("tokens sent again", extra={"sku": care.sku, "tokens": sent})


@cache
def _ports() -> Ports:
    return with_hot_items(ports())


@cache
def _queues() -> SqsTokenQueues:
    return token_queues()


at_start(_ports, _queues)
