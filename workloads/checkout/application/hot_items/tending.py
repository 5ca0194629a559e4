"""Look after a hot SKU: each call does the next piece of work that its state asks for, and may be repeated at any time.

Nothing is remembered between calls but what is committed, so that a call which is killed is simply made again.
"""

from __future__ import annotations

from typing import Final

from workloads.checkout.application.deciding import decide
from workloads.checkout.application.hot_items.counting import count
from workloads.checkout.application.hot_items.draining import drain, retract
from workloads.checkout.application.hot_items.judging import commit_selling
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain import selling as sellings
from workloads.checkout.domain.allotment import Allotment, change_selling
from workloads.checkout.domain.token import Token
from workloads.contracts.clock import timestamp

_ANNOUNCED_AT_ONCE: Final = 1000
_ISSUED_AT_ONCE: Final = 1_000_000


def tend(ports: Ports, sku: str) -> bool:
    """Do a piece of work for a SKU; return whether there is more to do at once."""
    return decide(ports, lambda: _tend(ports, sku))


def _tend(ports: Ports, sku: str) -> bool:
    allotment = ports.store.allotments([sku], ports.region).get(sku)
    if allotment is None or allotment.selling.is_plain():
        return False
    if allotment.selling.is_draining():
        return drain(ports, allotment)
    if allotment.free > 0:
        _issue(ports, allotment)
        return True
    if allotment.selling.announced < allotment.selling.issued:
        _announce(ports, allotment)
        return True
    if allotment.free < 0 and retract(ports, allotment):
        return True
    count(ports, allotment)
    return False


def _issue(ports: Ports, allotment: Allotment) -> None:
    """Turn free units into tokens: the numbers exist from now on, and wait for their messages."""
    units = min(allotment.free, _ISSUED_AT_ONCE)
    commit_selling(ports, change_selling(allotment, sellings.issue(allotment.selling, units), freed=-units))


def _announce(ports: Ports, allotment: Allotment) -> None:
    """Send messages first and note it then: a number may have two messages, but none stays without."""
    selling = allotment.selling
    numbers = range(selling.announced, min(selling.issued, selling.announced + _ANNOUNCED_AT_ONCE))
    ports.hot_items.queues.put(selling.pool, [Token(allotment.sku, selling.generation, number) for number in numbers])
    announced = sellings.announce(selling, len(numbers), now=timestamp(ports.clock.now()))
    commit_selling(ports, change_selling(allotment, announced))
