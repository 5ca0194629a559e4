"""Start the saga of an order that is still pending once more: it goes the same way, and what was done stays done."""

from __future__ import annotations

from workloads.checkout.application.changes import CheckOrderPending, CountRedrive
from workloads.checkout.application.deciding import decide
from workloads.checkout.application.operations.subject import order_at_home
from workloads.checkout.application.outbox_entries import Cause, redrive_entry
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.recording import keep, record_of
from workloads.checkout.application.results import Settled
from workloads.checkout.domain.operation import Redrive
from workloads.checkout.domain.order import OrderState
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.contracts.events import CheckoutRedriven


def redrive(ports: Ports, command: Redrive, cause: Cause) -> Settled | Refusal:
    """Ask for another execution, whose name is the order's and the number of the redrive."""
    return decide(ports, lambda: _redrive(ports, command, cause))


def _redrive(ports: Ports, command: Redrive, cause: Cause) -> Settled | Refusal:
    record = ports.store.order(command.order_id)
    order = order_at_home(ports, command.order_id, record)
    if isinstance(order, Refusal):
        keep(ports, cause, order)
        return order
    if order.state is not OrderState.PENDING:
        ended = Refusal(RefusalKind.ORDER_ENDED, f"{order.id} is {order.state.value}: there is nothing to go on with")
        keep(ports, cause, ended)
        return ended
    number = record.redrives + 1
    event = CheckoutRedriven(order_id=order.id, customer_id=order.customer_id, sequence=number)
    ports.store.commit(
        [CheckOrderPending(order), CountRedrive(order.id, number), *record_of(ports, cause, Settled())],
        [redrive_entry(ports, order, event, cause)],
    )
    return Settled()
