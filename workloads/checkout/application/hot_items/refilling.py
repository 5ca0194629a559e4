"""Send again what the queue has lost or will soon forget: free numbers are known, their messages are not.

A number that is sent twice is refused by its item the second time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from workloads.checkout.application.deciding import decide
from workloads.checkout.application.hot_items.judging import commit_selling
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain import selling as sellings
from workloads.checkout.domain.allotment import Allotment, change_selling
from workloads.checkout.domain.token import PARTITIONS, Token, numbers_in
from workloads.contracts.clock import timestamp

SETTLING: Final = timedelta(minutes=1)
"""The counts of a queue's messages settle within a minute (Amazon SQS API Reference, GetQueueAttributes)."""
LONGEST_AGE: Final = timedelta(days=7)
"""Half of the 14 days after which SQS drops a message."""


def refill(ports: Ports, sku: str) -> int:
    """Send each free number again where many lack their message; return how many were sent."""
    return decide(ports, lambda: _refill(ports, sku))


def _refill(ports: Ports, sku: str) -> int:
    allotment = ports.store.allotments([sku], ports.region).get(sku)
    if allotment is None or not allotment.selling.is_hot():
        return 0
    selling, now = allotment.selling, ports.clock.now()
    if selling.announced < selling.issued or not selling.announced_at:
        return 0
    age = now - datetime.fromisoformat(selling.announced_at)
    if age < SETTLING:
        return 0
    free = _free_tokens(ports, allotment)
    due = sellings.refill_is_due(
        free=len(free),
        messages=ports.hot_items.queues.depth(selling.pool),
        age_seconds=age.total_seconds(),
        longest_age_seconds=LONGEST_AGE.total_seconds(),
    )
    if not due:
        return 0
    ports.hot_items.queues.put(selling.pool, free)
    commit_selling(ports, change_selling(allotment, sellings.announce_again(selling, now=timestamp(now))))
    return len(free)


def _free_tokens(ports: Ports, allotment: Allotment) -> list[Token]:
    selling = allotment.selling
    found: list[Token] = []
    for partition in range(PARTITIONS):
        if numbers := numbers_in(partition, selling.issued):
            known = ports.hot_items.ledger.partition(allotment.sku, selling.generation, partition)
            found += [
                Token(allotment.sku, selling.generation, number)
                for number in numbers
                if number not in known or known[number].is_open()
            ]
    return found
