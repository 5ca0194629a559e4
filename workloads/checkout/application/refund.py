"""Take a completed purchase back: the money returns to the wallet, the units return to the allotment.

The points that the purchase earned stay: the loyalty programme has no rule that takes points back.
"""

from __future__ import annotations

from typing import TypeAlias

from workloads.checkout.application.changes import (
    Change,
    ChangeWallet,
    RefundOrder,
    RefundPayment,
    ReturnUnits,
)
from workloads.checkout.application.deciding import decide
from workloads.checkout.application.hot_items.returning import Return, announce_returned, plan_return
from workloads.checkout.application.outbox_entries import (
    Cause,
    order_entry,
    order_level_entries,
    payment_entry,
    stock_entry,
)
from workloads.checkout.application.passing_on import pass_on
from workloads.checkout.application.ports import CheckoutRecord, OutboxEntry, Ports
from workloads.checkout.application.recording import keep, record_of
from workloads.checkout.application.results import PassedOn, Placed
from workloads.checkout.domain import order as orders
from workloads.checkout.domain import reservation as reservations
from workloads.checkout.domain import wallet as wallets
from workloads.checkout.domain.admission import Postponed
from workloads.checkout.domain.order import Order, OrderStatus
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.contracts.clock import timestamp
from workloads.contracts.commands import RefundPurchase
from workloads.contracts.money import AmountOutOfBoundsError

Result: TypeAlias = Placed | PassedOn | Refusal | Postponed


def ask_for_refund(ports: Ports, command: RefundPurchase, cause: Cause) -> Result:
    """Send the command to the order's home, also where that is here; what is refunded already is answered at once."""
    return decide(ports, lambda: _ask(ports, command, cause))


def refund_purchase(ports: Ports, command: RefundPurchase, cause: Cause) -> Result:
    """Give money and units back in one transaction, once, however often it is asked for."""
    result, returned = decide(ports, lambda: _refund(ports, command, cause))
    announce_returned(ports, returned)
    return result


def _ask(ports: Ports, command: RefundPurchase, cause: Cause) -> Result:
    record = ports.store.order(command.order_id)
    order = record.order
    if order is None or order.customer_id != command.customer_id:
        return Refusal(RefusalKind.NOT_COMPLETED, f"order {command.order_id} is no completed purchase here yet")
    if order.status is OrderStatus.REFUNDED:
        return Placed(order)
    decided = orders.refund(order, now=timestamp(ports.clock.now()))
    return decided if isinstance(decided, Refusal) else pass_on(ports, record, command, cause)


def _refund(ports: Ports, command: RefundPurchase, cause: Cause) -> tuple[Result, Return]:
    record = ports.store.checkout(command.order_id, command.customer_id)
    order = record.order
    if order is None or order.customer_id != command.customer_id or order.home.region != ports.region:
        return pass_on(ports, ports.store.order(command.order_id), command, cause), Return()
    if order.status is OrderStatus.REFUNDED:
        return _kept(ports, cause, Placed(order))
    now = timestamp(ports.clock.now())
    decided = orders.refund(order, now=now)
    if isinstance(decided, Refusal):
        return _kept(ports, cause, decided)
    refunded, event = decided
    try:
        money, told = _money_back(ports, order, record, now)
    except AmountOutOfBoundsError as error:
        return _kept(ports, cause, Refusal(RefusalKind.AMOUNT_TOO_LARGE, f"the wallet can not hold so much: {error}"))
    units, released, returned = _units_back(ports, order, record, now)
    ports.store.commit(
        [RefundOrder(refunded), *money, *units, *record_of(ports, cause, Placed(refunded))],
        [order_entry(ports, refunded, event, causation_id=cause.id), *told, *released],
    )
    return Placed(refunded), returned


def _kept(ports: Ports, cause: Cause, result: Placed | Refusal) -> tuple[Result, Return]:
    keep(ports, cause, result)
    return result, Return()


def _money_back(ports: Ports, order: Order, record: CheckoutRecord, now: str) -> tuple[list[Change], list[OutboxEntry]]:
    """Return what gives the money back, nothing where nothing was paid; raises AmountOutOfBoundsError."""
    if record.payment is None or record.account.wallet is None:
        return [], []
    wallet, payment = wallets.refund(record.account.wallet, record.payment)
    entry = payment_entry(ports, order, wallets.refunded(wallet, payment))
    return [ChangeWallet(wallet), RefundPayment(payment, now)], [entry]


def _units_back(
    ports: Ports, order: Order, record: CheckoutRecord, now: str
) -> tuple[list[Change], list[OutboxEntry], Return]:
    if record.reservation is None:
        return [], [], Return()
    returned = plan_return(ports, record.reservation)
    return (
        [ReturnUnits(reservations.give_back(record.reservation, now=now)), *returned.changes],
        [
            stock_entry(ports, order, reservations.released(order)),
            *order_level_entries(ports, order, returned.movements),
        ],
        returned,
    )
