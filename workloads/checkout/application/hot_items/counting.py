"""Count what is left of a hot SKU: sold out is what the tokens' own items say, never an empty queue."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from workloads.checkout.application.changes import ClaimCount
from workloads.checkout.application.hot_items.judging import commit_selling
from workloads.checkout.application.ports import ConcurrentWriteError, Ports
from workloads.checkout.domain import selling as sellings
from workloads.checkout.domain.allotment import Allotment, change_selling
from workloads.checkout.domain.selling import PLENTY
from workloads.checkout.domain.token import PARTITIONS, numbers_in

INTERVAL: Final = timedelta(milliseconds=200)
"""Counted at most so often for each SKU and Region, by whomever."""


def count(ports: Ports, allotment: Allotment) -> None:
    """Count, and tell when the SKU is sold out or back in stock; nothing where somebody has just done so."""
    if not _claim(ports, allotment):
        # Somebody counted before whatever this count was asked for may have happened: count once more after that.
        ports.sleep(INTERVAL.total_seconds())
        if not _claim(ports, allotment):
            return
    remaining = remaining_of(ports, allotment)
    movement = change_selling(allotment, sellings.count(allotment.selling, remaining))
    if remaining != allotment.selling.remaining or movement.tells:
        commit_selling(ports, movement)


def remaining_of(ports: Ports, allotment: Allotment) -> int:
    """Return how many tokens are free for orders, or PLENTY as soon as there are so many."""
    selling = allotment.selling
    remaining = 0
    for partition in range(PARTITIONS):
        numbers = len(numbers_in(partition, selling.issued))
        if numbers:
            remaining += numbers - ports.hot_items.ledger.decided_in(allotment.sku, selling.generation, partition)
        if remaining >= PLENTY:
            return PLENTY
    return remaining


def _claim(ports: Ports, allotment: Allotment) -> bool:
    now = ports.clock.now()
    at, since = (int(moment.timestamp() * 1000) for moment in (now, now - INTERVAL))
    try:
        ports.store.commit([ClaimCount(allotment.sku, ports.region, at=at, unless_since=since)])
    except ConcurrentWriteError:
        return False
    return True
