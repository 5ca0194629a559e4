"""A customer's home, wallet and ledger."""

from __future__ import annotations

from typing import TypeAlias

from workloads.checkout.application.changes.change import FrozenChange
from workloads.checkout.domain.home import Home
from workloads.checkout.domain.wallet import Deposit, Payment, Wallet


class AdmitOrder(FrozenChange, frozen=True):
    """A customer's bucket after one more order, if nobody drew from it and the home is what it was read to be."""

    customer_id: str
    home: Home
    before: int | None
    after: int


class ChangeWallet(FrozenChange, frozen=True):
    """A wallet's next version, if the one before is still the present one and its home is unchanged."""

    wallet: Wallet


class AddDeposit(FrozenChange, frozen=True):
    """The ledger entry of a deposit, if there is none."""

    deposit: Deposit


class AddPayment(FrozenChange, frozen=True):
    """The ledger entry of an order's debit, if there is none."""

    payment: Payment


class RefundPayment(FrozenChange, frozen=True):
    """The ledger entry of a refund, if the order's payment stands."""

    payment: Payment
    refunded_at: str


class CheckPaid(FrozenChange, frozen=True):
    """The order's payment stands."""

    customer_id: str
    order_id: str


class CheckNotPaid(FrozenChange, frozen=True):
    """The order has no payment that stands."""

    customer_id: str
    order_id: str


WalletChange: TypeAlias = AdmitOrder | ChangeWallet | AddDeposit | AddPayment | RefundPayment | CheckPaid | CheckNotPaid
