"""Set how this Region sells a SKU: from a plain counter, or by tokens while everybody wants it."""

from __future__ import annotations

from workloads.checkout.application.changes import AssignPool, TellSellingMode
from workloads.checkout.application.deciding import decide
from workloads.checkout.application.hot_items.judging import commit_selling
from workloads.checkout.application.outbox_entries import Cause
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.recording import keep, record_of
from workloads.checkout.application.results import Settled
from workloads.checkout.domain.listing import Listing
from workloads.checkout.domain.refusal import Refusal
from workloads.checkout.domain.switching import Pools, Switch, switch
from workloads.contracts.commands import SetSellingMode


def set_selling_mode(ports: Ports, command: SetSellingMode, cause: Cause) -> Settled | Refusal:
    """Begin the switch. Whoever tends the SKU does the rest, while it goes on being sold."""
    result = decide(ports, lambda: _set(ports, command, cause))
    if isinstance(result, Settled):
        # Lost, it is made up for within a minute: the SKU of each pool is tended then.
        ports.hot_items.queues.wake(command.sku)
    return result


def _set(ports: Ports, command: SetSellingMode, cause: Cause) -> Settled | Refusal:
    allotment = ports.store.allotments([command.sku], ports.region).get(command.sku)
    queues = ports.hot_items.queues
    pools = Pools(queues.pools, ports.hot_items.ledger.owners(queues.pools))
    decided = switch(allotment, command, region=ports.region, pools=pools)
    if not isinstance(decided, Switch):
        result = decided or Settled()
        keep(ports, cause, result)
        return result
    selling, pool = decided.movement.after.selling, decided.assigned_pool
    assigned = [] if pool is None else [AssignPool(pool, ports.region, command.sku, selling.generation)]
    told = TellSellingMode(Listing(sku=command.sku, region=ports.region, by_tokens=selling.is_hot()))
    commit_selling(ports, decided.movement, told, *assigned, *record_of(ports, cause, Settled()))
    return Settled()
