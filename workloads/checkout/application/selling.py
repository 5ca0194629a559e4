"""Stop and resume the sale of a SKU in all Regions; orders that were taken before go on."""

from __future__ import annotations

from workloads.checkout.application.changes import SetSelling
from workloads.checkout.application.deciding import decide
from workloads.checkout.application.outbox_entries import Cause
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.recording import keep, record_of
from workloads.checkout.application.results import Settled
from workloads.checkout.domain import listing as listings
from workloads.checkout.domain.refusal import Refusal
from workloads.contracts.commands import ResumeSelling, StopSelling


def set_selling(ports: Ports, command: StopSelling | ResumeSelling, cause: Cause) -> Settled | Refusal:
    """Let the newest version win, in whatever order and Region the commands arrive."""
    return decide(ports, lambda: _set(ports, command, cause))


def _set(ports: Ports, command: StopSelling | ResumeSelling, cause: Cause) -> Settled | Refusal:
    decided = listings.set_selling(ports.store.listings(command.sku), command, region=ports.region)
    result = decided if isinstance(decided, Refusal) else Settled()
    if decided is None or isinstance(decided, Refusal):
        keep(ports, cause, result)
    else:
        ports.store.commit([SetSelling(decided), *record_of(ports, cause, result)])
    return result
