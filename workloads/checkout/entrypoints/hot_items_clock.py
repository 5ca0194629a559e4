"""Lambda on a schedule: has every hot SKU looked after, whatever messages about it were lost."""

from __future__ import annotations

from functools import cache
from typing import Any

from workloads.checkout.adapters.token_ledger import DynamoDbTokenLedger
from workloads.checkout.adapters.token_queues import HotItemCare, SqsTokenQueues
from workloads.checkout.entrypoints.wiring import token_ledger, token_queues
from workloads.runtime.lifecycle import at_start


def handler(_event: dict[str, Any], _context: object) -> None:
    """Ask for care for the owner of each pool."""
    strike(_ledger(), _queues())


def strike(ledger: DynamoDbTokenLedger, queues: SqsTokenQueues) -> None:
    """Ask for care, and for messages that were lost, for each SKU that has a pool."""
    for sku in ledger.owners(queues.pools).values():
        queues.ask_for_care(HotItemCare(sku=sku, refill=True))


@cache
def _queues() -> SqsTokenQueues:
    return token_queues()


@cache
def _ledger() -> DynamoDbTokenLedger:
    return token_ledger()


at_start(_queues, _ledger)
