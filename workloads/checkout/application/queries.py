"""What can be read: an order, a deposit, and what became of a command."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from workloads.checkout.application.ports import Ports
from workloads.checkout.application.results import Deposited, HandedOver, Placed
from workloads.checkout.domain.command_record import CommandOutcome, CommandRecord
from workloads.checkout.domain.handover import Handover
from workloads.checkout.domain.order import OrderState

_POLL_INTERVAL: Final = 0.1


def read_order(ports: Ports, order_id: str) -> Placed | HandedOver | None:
    """Return an order, or that its home has to decide on it."""
    record = ports.store.order(order_id)
    if record.order is not None:
        return Placed(record.order, _of_this_region(ports, record.handovers))
    return _read_handover(ports, record.handovers)


def read_deposit(ports: Ports, customer_id: str, deposit_id: str) -> Deposited | HandedOver | None:
    """Return a deposit, or that its home has to decide on it."""
    record = ports.store.deposit(customer_id, deposit_id)
    if record.deposit is not None:
        return Deposited(record.deposit, _of_this_region(ports, record.handovers))
    return _read_handover(ports, record.handovers)


def read_command(ports: Ports, command_id: str) -> CommandRecord | None:
    """Return what became of a command; where it was handed over and the home refused it, the home's refusal."""
    record = ports.store.command(command_id)
    if record is None or record.handed_over_as is None:
        return record
    at_home = ports.store.command(record.handed_over_as)
    return at_home if at_home is not None and at_home.outcome is CommandOutcome.REFUSED else record


def await_end(
    ports: Ports, first: Placed | HandedOver, seconds: int, *, monotonic: Callable[[], float] = time.monotonic
) -> Placed | HandedOver:
    """Return the order once it has ended, or as it is after so many seconds."""
    order_id = first.order.id if isinstance(first, Placed) else first.handover.subject
    deadline = monotonic() + seconds
    present: Placed | HandedOver = first
    while not _has_ended(present) and monotonic() < deadline:
        ports.sleep(_POLL_INTERVAL)
        present = read_order(ports, order_id) or present
    return present


def _has_ended(present: Placed | HandedOver) -> bool:
    if isinstance(present, Placed):
        return present.order.state is not OrderState.PENDING
    return present.refusal is not None


def _read_handover(ports: Ports, handovers: tuple[Handover, ...]) -> HandedOver | None:
    handover = _of_this_region(ports, handovers) or next(iter(handovers), None)
    if handover is None:
        return None
    end = ports.store.command(handover.command_id)
    return HandedOver(handover, end.refusal if end else None)


def _of_this_region(ports: Ports, handovers: tuple[Handover, ...]) -> Handover | None:
    return next((handover for handover in handovers if handover.region == ports.region), None)
