"""Send again what was sent and has had no effect: the start of an order's saga, and the instruction of a transfer.

Both are taken once, whatever is sent: an execution has its order's name, and a transfer's instruction has one id.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from workloads.checkout.application.audit import Report
from workloads.checkout.application.deciding import UndecidedError
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.transfer import remind

AsksForSagas: TypeAlias = Callable[[Sequence[tuple[str, str]]], None]
"""Puts order and customer of each into the queue of saga starts."""


class Chased(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent again."""

    orders: tuple[str, ...]
    transfers: tuple[str, ...]


def chase(ports: Ports, ask_for_sagas: AsksForSagas, report: Report) -> Chased:
    """Send again what an audit has seen waiting; raises what the queue raises, after the transfers."""
    reminded: list[str] = []
    for transfer_id in report.waiting_transfers:
        try:
            if remind(ports, transfer_id):
                reminded.append(transfer_id)
        except UndecidedError:
            continue  # somebody else sends it at this moment
    if report.waiting_orders:
        ask_for_sagas(report.waiting_orders)
    return Chased(orders=tuple(order for order, _ in report.waiting_orders), transfers=tuple(reminded))
