"""Set the list price of a SKU, as the catalogue's system of record says."""

from __future__ import annotations

from workloads.checkout.application.changes import SetPriceItem
from workloads.checkout.application.deciding import decide
from workloads.checkout.application.outbox_entries import Cause
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.recording import keep, record_of
from workloads.checkout.application.results import Settled
from workloads.checkout.domain import price
from workloads.checkout.domain.refusal import Refusal
from workloads.contracts.commands import SetPrice


def set_price(ports: Ports, command: SetPrice, cause: Cause) -> Settled | Refusal:
    """Let the newest version win, in whatever order the commands arrive."""
    return decide(ports, lambda: _set(ports, command, cause))


def _set(ports: Ports, command: SetPrice, cause: Cause) -> Settled | Refusal:
    current = ports.store.prices([command.sku]).get(command.sku)
    decided = price.set_price(current, command, region=ports.region)
    result = decided if isinstance(decided, Refusal) else Settled()
    if isinstance(decided, Refusal) or decided == current:
        keep(ports, cause, result)
    else:
        ports.store.commit([SetPriceItem(decided), *record_of(ports, cause, result)])
    return result
