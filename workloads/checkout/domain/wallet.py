"""The wallet: a customer's money in one currency, with a ledger entry for every change of its balance."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from workloads.checkout.domain.home import Home
from workloads.checkout.domain.order import Acceptance, Order
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.contracts.commands import DepositToWallet
from workloads.contracts.events import RejectionReason, WalletCredited, WalletDebited, WalletRefunded
from workloads.contracts.identifiers import deposit_id, request_hash
from workloads.contracts.money import AmountOutOfBoundsError, Money


class Wallet(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer has to spend."""

    customer_id: str
    balance: Money
    version: int
    """Counted up by one at every change: the sequence of the wallet's events."""
    home: Home


class Deposit(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger entry of a deposit, and the idempotency record of its key."""

    id: str
    customer_id: str
    request_hash: str
    amount: Money
    balance: Money
    """What the wallet held right after."""
    made_at: str
    acceptance: Acceptance


class PaymentState(StrEnum):
    """What became of the payment of an order."""

    PAID = "Paid"
    REFUNDED = "Refunded"
    REFUSED = "Refused"


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger entry of an order's debit. Refused, it moved no money and keeps a late try from moving some."""

    order_id: str
    customer_id: str
    amount: Money
    state: PaymentState
    refusal: RejectionReason | None = None
    """Why the wallet did not pay; none where the order was given up before it was asked."""


def deposit_fingerprint(command: DepositToWallet) -> str:
    """Return what tells whether two requests under one key ask for the same."""
    return request_hash(command.customer_id, str(command.amount.minor_units), command.amount.currency)


def deposit(
    wallet: Wallet | None, command: DepositToWallet, *, home: Home, now: str, acceptance: Acceptance
) -> tuple[Wallet, Deposit] | Refusal:
    """Decide on a deposit; the first one opens the wallet in its currency."""
    before = wallet or Wallet(
        customer_id=command.customer_id, balance=Money(0, command.amount.currency), version=0, home=home
    )
    if command.amount.currency != before.balance.currency:
        return Refusal(
            RefusalKind.CURRENCY_MISMATCH,
            f"the wallet holds {before.balance.currency}, the deposit is in {command.amount.currency}: "
            "convert it before",
        )
    try:
        after = _changed(before, before.balance.plus(command.amount))
    except AmountOutOfBoundsError as error:
        return Refusal(RefusalKind.AMOUNT_TOO_LARGE, f"the wallet can not hold so much: {error}")
    entry = Deposit(
        id=deposit_id(command.customer_id, command.idempotency_key),
        customer_id=command.customer_id,
        request_hash=deposit_fingerprint(command),
        amount=command.amount,
        balance=after.balance,
        made_at=now,
        acceptance=acceptance,
    )
    return after, entry


def credited(wallet: Wallet, entry: Deposit) -> WalletCredited:
    """Tell that a deposit reached the wallet."""
    return WalletCredited(
        customer_id=wallet.customer_id,
        deposit_id=entry.id,
        amount=entry.amount,
        balance=wallet.balance,
        sequence=wallet.version,
    )


def debit(wallet: Wallet | None, order: Order) -> tuple[Wallet, Payment] | Payment:
    """Decide whether the wallet pays an order: the changed wallet and its payment, or only a refused payment."""
    refusal = _refusal_to_pay(wallet, order.total)
    if wallet is None or refusal is not None:
        return _without_money(order, refusal)
    after = _changed(wallet, Money(wallet.balance.minor_units - order.total.minor_units, order.total.currency))
    return after, Payment(order_id=order.id, customer_id=order.customer_id, amount=order.total, state=PaymentState.PAID)


def debited(wallet: Wallet, payment: Payment) -> WalletDebited:
    """Tell that the wallet paid an order."""
    return WalletDebited(
        customer_id=wallet.customer_id,
        order_id=payment.order_id,
        amount=payment.amount,
        balance=wallet.balance,
        sequence=wallet.version,
    )


def refund(wallet: Wallet, payment: Payment) -> tuple[Wallet, Payment]:
    """Give back what an order had paid."""
    refunded_payment = msgspec.structs.replace(payment, state=PaymentState.REFUNDED)
    return _changed(wallet, wallet.balance.plus(payment.amount)), refunded_payment


def refunded(wallet: Wallet, payment: Payment) -> WalletRefunded:
    """Tell that an order's money came back."""
    return WalletRefunded(
        customer_id=wallet.customer_id,
        order_id=payment.order_id,
        amount=payment.amount,
        balance=wallet.balance,
        sequence=wallet.version,
    )


def give_up_payment(order: Order) -> Payment:
    """Make sure that an order that has not paid will not: the entry takes the place of the debit."""
    return _without_money(order, None)


def _refusal_to_pay(wallet: Wallet | None, total: Money) -> RejectionReason | None:
    if wallet is None:
        return RejectionReason.WALLET_MISSING
    if wallet.balance.currency != total.currency:
        return RejectionReason.CURRENCY_MISMATCH
    if wallet.balance.minor_units < total.minor_units:
        return RejectionReason.INSUFFICIENT_FUNDS
    return None


def _changed(wallet: Wallet, balance: Money) -> Wallet:
    return msgspec.structs.replace(wallet, balance=balance, version=wallet.version + 1)


def _without_money(order: Order, refusal: RejectionReason | None) -> Payment:
    return Payment(
        order_id=order.id,
        customer_id=order.customer_id,
        amount=Money(0, order.total.currency),
        state=PaymentState.REFUSED,
        refusal=refusal,
    )
