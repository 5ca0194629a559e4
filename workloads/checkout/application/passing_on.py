"""Pass on the cancellation of an order to the home of its customer, as a command that goes out once for each Region."""

from __future__ import annotations

from typing import Final

from workloads.checkout.application.changes import AddOrderHandover
from workloads.checkout.application.outbox_entries import Cause, handover_entry
from workloads.checkout.application.ports import OrderRecord, Ports
from workloads.checkout.application.results import PassedOn
from workloads.checkout.domain.admission import Postponed
from workloads.checkout.domain.handover import Handover, hand_over
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.contracts.clock import timestamp
from workloads.contracts.commands import CancelOrder
from workloads.contracts.identifiers import request_hash

_RETRY_SECONDS: Final = 5


def pass_on(ports: Ports, record: OrderRecord, command: CancelOrder, cause: Cause) -> PassedOn | Refusal | Postponed:
    """Hand a command over to the order's home, once; what is unknown here may still be on its way."""
    home_region = _home_of(record, command)
    if home_region is None:
        return _unknown(command, cause)
    subject = f"{command.order_id}/cancellation"
    before = next((found for found in ports.store.order(subject).handovers if found.region == ports.region), None)
    if before is not None:
        return PassedOn(before)
    handover = hand_over(
        subject,
        customer_id=command.customer_id,
        request_hash=request_hash(subject),
        region=ports.region,
        home_region=home_region,
        now=timestamp(ports.clock.now()),
    )
    ports.store.commit([AddOrderHandover(handover)], [handover_entry(ports, handover, command, cause)])
    return PassedOn(handover)


def _home_of(record: OrderRecord, command: CancelOrder) -> str | None:
    if record.order is not None and record.order.customer_id == command.customer_id:
        return record.order.home.region
    handover: Handover | None = next(iter(record.handovers), None)
    if handover is not None and handover.customer_id == command.customer_id:
        return handover.home_region
    return None


def _unknown(command: CancelOrder, cause: Cause) -> Refusal | Postponed:
    refusal = Refusal(RefusalKind.UNKNOWN_ORDER, f"there is no order {command.order_id} of {command.customer_id}")
    # A bus keeps no order: the command that places the order can come after the one that calls it off.
    return refusal if cause.owner is None else Postponed(refusal, _RETRY_SECONDS)
