"""Compensate `debit`."""

from __future__ import annotations

from workloads.checkout.application.changes import AddPayment, ChangeWallet, CheckOrderPending, RefundPayment
from workloads.checkout.application.deciding import decide
from workloads.checkout.application.outbox_entries import payment_entry
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.steps.subject import Checkout, load
from workloads.checkout.domain import wallet as wallets
from workloads.checkout.domain.step import Outcome, end_of
from workloads.checkout.domain.wallet import PaymentState
from workloads.contracts.clock import timestamp


def refund(ports: Ports, checkout: Checkout) -> Outcome:
    """Give back what an order has paid, and see to it that it pays nothing from now on."""
    return decide(ports, lambda: _refund(ports, checkout))


def _refund(ports: Ports, checkout: Checkout) -> Outcome:
    progress = load(ports, checkout)
    order, payment, wallet = progress.order, progress.payment, progress.wallet
    end = end_of(order)
    if end is Outcome.COMPLETED:
        return end
    if payment is None:
        if end is None and order.total.minor_units > 0:
            ports.store.commit([CheckOrderPending(order), AddPayment(wallets.give_up_payment(order))])
        return Outcome.REFUNDED
    if payment.state is not PaymentState.PAID or wallet is None:
        return Outcome.REFUNDED
    credited, refunded = wallets.refund(wallet, payment)
    ports.store.commit(
        [
            CheckOrderPending(order),
            ChangeWallet(credited),
            RefundPayment(refunded, timestamp(ports.clock.now())),
        ],
        [payment_entry(ports, order, wallets.refunded(credited, refunded))],
    )
    return Outcome.REFUNDED
