"""Call an order off before it is a purchase: its saga gives back what it holds and has paid, and ends it."""

from __future__ import annotations

from typing import TypeAlias

from workloads.checkout.application.changes import RequestCancellation
from workloads.checkout.application.deciding import decide
from workloads.checkout.application.outbox_entries import Cause
from workloads.checkout.application.passing_on import pass_on
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.recording import keep, record_of
from workloads.checkout.application.results import PassedOn, Placed
from workloads.checkout.domain.admission import Postponed
from workloads.checkout.domain.order import request_cancellation
from workloads.checkout.domain.refusal import Refusal
from workloads.contracts.clock import timestamp
from workloads.contracts.commands import CancelOrder

Result: TypeAlias = Placed | PassedOn | Refusal | Postponed


def cancel_order(ports: Ports, command: CancelOrder, cause: Cause) -> Result:
    """Ask for the end of an order: at home at once, elsewhere by a command. A repeat is answered by what has become."""
    return decide(ports, lambda: _cancel(ports, command, cause))


def _cancel(ports: Ports, command: CancelOrder, cause: Cause) -> Result:
    record = ports.store.order(command.order_id)
    order = record.order
    if order is None or order.customer_id != command.customer_id:
        return pass_on(ports, record, command, cause)
    decided = request_cancellation(order, now=timestamp(ports.clock.now()))
    if isinstance(decided, Refusal) or decided == order:
        # An end is final: also a replica tells it.
        result = decided if isinstance(decided, Refusal) else Placed(order)
        keep(ports, cause, result)
        return result
    if order.home.region != ports.region:
        return pass_on(ports, record, command, cause)
    ports.store.commit([RequestCancellation(decided), *record_of(ports, cause, Placed(decided))])
    return Placed(decided)
