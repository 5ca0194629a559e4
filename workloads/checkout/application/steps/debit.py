"""Pay an order from the customer's wallet."""

from __future__ import annotations

from workloads.checkout.application.changes import AddPayment, ChangeWallet, CheckOrderOpen
from workloads.checkout.application.deciding import decide
from workloads.checkout.application.outbox_entries import payment_entry
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.steps.subject import Checkout, load
from workloads.checkout.domain import wallet as wallets
from workloads.checkout.domain.step import Outcome, obstacle_to_payment, payment_outcome, stop_of
from workloads.checkout.domain.wallet import Payment
from workloads.contracts.clock import timestamp


def debit(ports: Ports, checkout: Checkout) -> Outcome:
    """Take the money, once, for units that are held; an order of nothing to pay needs none.

    A refusal stands, even when money comes. Raises NothingReservedError where `reserve` has not been called.
    """
    return decide(ports, lambda: _debit(ports, checkout))


def _debit(ports: Ports, checkout: Checkout) -> Outcome:
    progress = load(ports, checkout)
    order = progress.order
    if progress.payment is not None:
        return payment_outcome(progress.payment)
    if (stop := stop_of(order)) is not None:
        return stop
    now = timestamp(ports.clock.now())
    if (obstacle := obstacle_to_payment(order, progress.reservation, now=now)) is not None:
        return obstacle
    if order.total.minor_units == 0:
        return Outcome.DEBITED
    match wallets.debit(progress.wallet, order):
        case Payment() as refused:
            ports.store.commit([CheckOrderOpen(order), AddPayment(refused)])
            return payment_outcome(refused)
        case (wallet, paid):
            ports.store.commit(
                [CheckOrderOpen(order), ChangeWallet(wallet), AddPayment(paid)],
                [payment_entry(ports, order, wallets.debited(wallet, paid))],
            )
            return payment_outcome(paid)
