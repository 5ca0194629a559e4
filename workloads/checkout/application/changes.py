"""The changes that a transaction is made of, each with the condition under which it holds.

A change that starts with `Check` writes nothing: it stands for what a decision relied on.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from workloads.checkout.domain.command_record import CommandRecord
from workloads.checkout.domain.handover import Handover
from workloads.checkout.domain.home import Home
from workloads.checkout.domain.order import Order
from workloads.checkout.domain.price import Price
from workloads.checkout.domain.reservation import Allotment, Reservation
from workloads.checkout.domain.wallet import Deposit, Payment, Wallet


class _Change(msgspec.Struct, frozen=True):
    """What all changes share: they are values."""


class AddOrder(_Change, frozen=True):
    """A new order, if its id has none."""

    order: Order


class EndOrder(_Change, frozen=True):
    """The end of an order, if it is pending and its home is unchanged."""

    order: Order


class CheckOrderPending(_Change, frozen=True):
    """The order is pending and its home is unchanged."""

    order: Order


class CheckHome(_Change, frozen=True):
    """The customer's home is what it was read to be."""

    customer_id: str
    home: Home


class AddReservation(_Change, frozen=True):
    """A reservation, if the order has none."""

    reservation: Reservation


class MoveReservation(_Change, frozen=True):
    """The next state of a reservation, if it is held."""

    reservation: Reservation


class CheckNothingHeld(_Change, frozen=True):
    """The order's reservation is not held."""

    order_id: str


class TakeStock(_Change, frozen=True):
    """Units out of an allotment, if so many are free."""

    sku: str
    region: str
    units: int


class ReturnStock(_Change, frozen=True):
    """Units back into an allotment."""

    sku: str
    region: str
    units: int


class ChangeWallet(_Change, frozen=True):
    """A wallet's next version, if the one before is still the present one and its home is unchanged."""

    wallet: Wallet


class AddDeposit(_Change, frozen=True):
    """The ledger entry of a deposit, if there is none."""

    deposit: Deposit


class AddPayment(_Change, frozen=True):
    """The ledger entry of an order's debit, if there is none."""

    payment: Payment


class RefundPayment(_Change, frozen=True):
    """The ledger entry of a refund, if the order's payment stands."""

    payment: Payment
    refunded_at: str


class CheckPaid(_Change, frozen=True):
    """The order's payment stands."""

    customer_id: str
    order_id: str


class CheckNotPaid(_Change, frozen=True):
    """The order has no payment that stands."""

    customer_id: str
    order_id: str


class SetPriceItem(_Change, frozen=True):
    """A Region's own record of a price, if it is newer."""

    price: Price


class SetAllotmentItem(_Change, frozen=True):
    """An allotment's next version, if the one before is still the present one; what is held or sold is kept."""

    before: Allotment | None
    after: Allotment


class AddOrderHandover(_Change, frozen=True):
    """The handover of an order, if this Region has none."""

    handover: Handover


class AddDepositHandover(_Change, frozen=True):
    """The handover of a deposit, if this Region has none."""

    handover: Handover


class AddCommandRecord(_Change, frozen=True):
    """What became of a command, if it is not known yet."""

    record: CommandRecord


Change: TypeAlias = (
    AddOrder
    | EndOrder
    | CheckOrderPending
    | CheckHome
    | AddReservation
    | MoveReservation
    | CheckNothingHeld
    | TakeStock
    | ReturnStock
    | ChangeWallet
    | AddDeposit
    | AddPayment
    | RefundPayment
    | CheckPaid
    | CheckNotPaid
    | SetPriceItem
    | SetAllotmentItem
    | AddOrderHandover
    | AddDepositHandover
    | AddCommandRecord
)
