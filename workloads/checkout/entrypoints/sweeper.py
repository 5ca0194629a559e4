"""Lambda on a schedule: gives back the units of orders of this Region that did not end in time."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from workloads.checkout.application.ports import Ports
from workloads.checkout.application.sweep import sweep
from workloads.checkout.entrypoints.wiring import ports, with_hot_items
from workloads.runtime.lifecycle import at_start
from workloads.runtime.logging import logger

_log: Final = logger("sweeper")


class NotSweptError(RuntimeError):
    """Some reservations could not be released: the run counts as failed, so that somebody is called."""

    def __init__(self, failed: int, first: str) -> None:
        super().__init__(f"{failed} expired reservations could not be released, the first is that of order {first}")


def handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Sweep once. Two runs at a time do no harm: what one has released the other passes over."""
    swept = sweep(_ports())
    for order_id in swept.released:
        _log.info("reservation expired", extra={"order_id": order_id})
    if swept.failed:
        raise NotSweptError(len(swept.failed), swept.failed[0])
    return {"released": len(swept.released), "forgotten": len(swept.forgotten)}


@cache
def _ports() -> Ports:
    return with_hot_items(ports())


at_start(_ports)
