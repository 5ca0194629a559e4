"""Changes of wallets, their ledgers and their homes as actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workloads.checkout.adapters import items, keys
from workloads.checkout.adapters.attributes import Plain
from workloads.checkout.adapters.transactions.writer import ABSENT, Writer
from workloads.checkout.application.changes import (
    AddDeposit,
    AddPayment,
    AdmitOrder,
    ChangeWallet,
    CheckNotPaid,
    CheckPaid,
    RefundPayment,
    WalletChange,
)
from workloads.checkout.domain.home import Home
from workloads.checkout.domain.wallet import PaymentState, Wallet
from workloads.contracts.identifiers import region_of_birth

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


def wallet_actions(  # noqa: PLR0911 - one branch a kind
    write: Writer, change: WalletChange
) -> list[TransactWriteItemTypeDef]:
    """Return the actions of a change: one, or two where a ledger entry and its payment move together."""
    paid: dict[str, Plain] = {":paid": PaymentState.PAID.value}
    match change:
        case AdmitOrder():
            return [_admit_order(write, change)]
        case ChangeWallet(wallet=wallet):
            return [_change_wallet(write, wallet)]
        case AddDeposit(deposit=deposit):
            return [write.add(keys.ledger(deposit.customer_id, "DEPOSIT", deposit.id), items.write_deposit(deposit))]
        case AddPayment(payment=payment):
            key = keys.ledger(payment.customer_id, "DEBIT", payment.order_id)
            return [write.add(key, {**items.write_payment(payment), "made_at": write.stamp()})]
        case RefundPayment(payment=payment, refunded_at=refunded_at):
            debit = keys.ledger(payment.customer_id, "DEBIT", payment.order_id)
            refund = keys.ledger(payment.customer_id, "REFUND", payment.order_id)
            return [
                write.update(debit, {"state": payment.state.value}, "#state = :paid", paid),
                write.add(refund, items.write_refund(payment, refunded_at)),
            ]
        case CheckPaid(customer_id=customer_id, order_id=order_id):
            return [write.check(keys.ledger(customer_id, "DEBIT", order_id), "#state = :paid", paid)]
        case CheckNotPaid(customer_id=customer_id, order_id=order_id):
            key = keys.ledger(customer_id, "DEBIT", order_id)
            return [write.check(key, f"{ABSENT} OR #state <> :paid", paid)]


def _admit_order(write: Writer, change: AdmitOrder) -> TransactWriteItemTypeDef:
    """Return the write that is also the check of the home: a transaction takes one action on an item."""
    at_home, values = _at_home(change.customer_id, change.home)
    undrawn = "attribute_not_exists(order_bucket)"
    if change.before is not None:
        undrawn, values = "order_bucket = :before", {**values, ":before": change.before}
    return write.update(
        keys.wallet(change.customer_id), {"order_bucket": change.after}, f"{undrawn} AND {at_home}", values
    )


def _change_wallet(write: Writer, wallet: Wallet) -> TransactWriteItemTypeDef:
    at_home, values = _at_home(wallet.customer_id, wallet.home)
    # A first deposit opens the wallet, also on an item that a move of the home wrote before there was money.
    unchanged = "attribute_not_exists(version)" if wallet.version == 1 else "version = :before"
    if wallet.version > 1:
        values = {**values, ":before": wallet.version - 1}
    changed: dict[str, Plain] = {
        "customer_id": wallet.customer_id,
        "balance": wallet.balance.minor_units,
        "currency": wallet.balance.currency,
        "version": wallet.version,
    }
    return write.update(keys.wallet(wallet.customer_id), changed, f"{unchanged} AND {at_home}", values)


def _at_home(customer_id: str, home: Home) -> tuple[str, dict[str, Plain]]:
    """Return the fence of what belongs to a customer's home: absent means birth, and epoch 0."""
    region, epoch = "home = :home", "epoch = :epoch"
    if home.region == region_of_birth(customer_id):
        region = f"(attribute_not_exists(home) OR {region})"
    if home.epoch == 0:
        epoch = f"(attribute_not_exists(epoch) OR {epoch})"
    return f"{region} AND {epoch}", {":home": home.region, ":epoch": home.epoch}
