"""Turn tokens back into units: each number is visited once, and retired if it is nobody's, else settled.

Orders go on taking and returning tokens meanwhile: whoever writes a token's item first decides it, and the other one
reads again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from workloads.checkout.application.changes import FreePool, ReclaimToken, RetireToken, SettleToken, TokenChange
from workloads.checkout.application.hot_items.judging import commit_selling
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain import selling as sellings
from workloads.checkout.domain.allotment import Allotment, change_selling
from workloads.checkout.domain.reservation import ReservationState
from workloads.checkout.domain.token import PARTITIONS, Token, TokenRecord, TokenState, numbers_in

_AT_ONCE: Final = 50
"""Tokens a transaction: half of what TransactWriteItems takes, because a conflict costs all of them."""
_TRANSACTIONS: Final = 20
"""In one piece of work."""
_SWEPT: Final = 100
"""Receives in one piece of work."""


class MiscountedTokensError(RuntimeError):
    """Every number is decided and yet tokens are open: the allotment and its tokens contradict each other."""

    def __init__(self, allotment: Allotment) -> None:
        super().__init__(
            f"{allotment.selling.open} tokens of {allotment.sku} in {allotment.region}, generation "
            f"{allotment.selling.generation}, are counted open, but every number is decided: compare its items"
        )


def drain(ports: Ports, allotment: Allotment) -> bool:
    """Do a piece of the way back to the plain counter; return whether there is more to do."""
    visits = _visits(ports, allotment)
    for _ in range(_TRANSACTIONS):
        changes = list(islice(visits, _AT_ONCE))
        if not changes:
            break
        allotment = _close(ports, allotment, changes)
    else:
        return True
    if allotment.selling.open:
        raise MiscountedTokensError(allotment)
    if not _swept(ports, allotment):
        return True
    selling = allotment.selling
    commit_selling(
        ports,
        change_selling(allotment, sellings.become_plain(selling)),
        FreePool(selling.pool, ports.region, allotment.sku, selling.generation),
    )
    return False


def retract(ports: Ports, allotment: Allotment) -> bool:
    """Retire as many free tokens as an allotment lacks since it was cut; return whether any could be."""
    lacking = min(-allotment.free, _AT_ONCE)
    changes = list(islice(_free_ones(ports, allotment), lacking))
    if changes:
        _close(ports, allotment, changes)
    return bool(changes)


def _close(ports: Ports, allotment: Allotment, changes: Sequence[TokenChange]) -> Allotment:
    retired = sum(not isinstance(change, SettleToken) for change in changes)
    movement = change_selling(allotment, sellings.close(allotment.selling, len(changes)), freed=retired)
    commit_selling(ports, movement, *changes)
    return movement.after


def _visits(ports: Ports, allotment: Allotment) -> Iterator[TokenChange]:
    for partition in range(PARTITIONS):
        undecided = list(_undecided_in(ports, allotment, partition))
        held = {record.order_id: True for _, record in undecided if record is not None and not record.is_open()}
        released = {order_id for order_id in held if order_id is not None and _holds_nothing(ports, order_id)}
        for token, record in undecided:
            if record is None or record.is_open() or record.order_id is None:
                yield RetireToken(token, ports.region)
            elif record.order_id in released:
                yield ReclaimToken(token, ports.region, record.order_id)
            else:
                yield SettleToken(token, ports.region, record.order_id)


def _free_ones(ports: Ports, allotment: Allotment) -> Iterator[TokenChange]:
    for partition in range(PARTITIONS):
        for token, record in _undecided_in(ports, allotment, partition):
            if record is None or record.is_open():
                yield RetireToken(token, ports.region)


def _undecided_in(ports: Ports, allotment: Allotment, partition: int) -> Iterator[tuple[Token, TokenRecord | None]]:
    selling = allotment.selling
    numbers = numbers_in(partition, selling.issued)
    records: Mapping[int, TokenRecord] = (
        ports.hot_items.ledger.partition(allotment.sku, selling.generation, partition) if numbers else {}
    )
    for number in numbers:
        record = records.get(number)
        if record is None or record.state in {TokenState.RETURNED, TokenState.TAKEN}:
            yield Token(allotment.sku, selling.generation, number), record


def _holds_nothing(ports: Ports, order_id: str) -> bool:
    """Return whether an order's tokens were forgotten: the release before this one knew of no tokens."""
    reservation = ports.store.order(order_id).reservation
    return reservation is not None and reservation.state is ReservationState.RELEASED


def _swept(ports: Ports, allotment: Allotment) -> bool:
    """Empty the pool for its next owner, all of whose numbers are decided; return whether it is empty."""
    queues, pool = ports.hot_items.queues, allotment.selling.pool
    for _ in range(_SWEPT):
        messages = queues.receive(pool, 10)
        if not messages:
            return True
        queues.remove(pool, messages)
    return False
