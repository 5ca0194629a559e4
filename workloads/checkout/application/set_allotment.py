"""Set how many units of a SKU this Region may sell, as the stock's system of record says."""

from __future__ import annotations

from workloads.checkout.application.changes import AddAllotment, SetAllotted
from workloads.checkout.application.deciding import decide
from workloads.checkout.application.outbox_entries import Cause, level_entries
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.recording import keep, record_of
from workloads.checkout.application.results import Settled
from workloads.checkout.domain import allotment
from workloads.checkout.domain.refusal import Refusal
from workloads.contracts.commands import SetAllotment


def set_allotment(ports: Ports, command: SetAllotment, cause: Cause) -> Settled | Refusal:
    """Let the newest version win; what is held or sold stays counted against the allotment."""
    return decide(ports, lambda: _set(ports, command, cause))


def _set(ports: Ports, command: SetAllotment, cause: Cause) -> Settled | Refusal:
    current = ports.store.allotments([command.sku], ports.region).get(command.sku)
    decided = allotment.set_allotment(current, command, region=ports.region)
    result = decided if isinstance(decided, Refusal) else Settled()
    if isinstance(decided, Refusal) or decided.after == current:
        keep(ports, cause, result)
        return result
    change = AddAllotment(decided) if current is None else SetAllotted(decided)
    ports.store.commit(
        [change, *record_of(ports, cause, result)],
        level_entries(ports, [decided], correlation_id=cause.correlation_id, causation_id=cause.id),
    )
    if not decided.after.selling.is_plain():
        # Free units become tokens, or missing ones are taken out of them.
        ports.hot_items.queues.wake(command.sku)
    return result
