"""The changes that a transaction is made of, each with the condition under which it holds; a module an aggregate.

A change that starts with `Check` writes nothing: it stands for what a decision relied on.
"""

from __future__ import annotations

from typing import TypeAlias

from workloads.checkout.application.changes.commands import AddCommandRecord, CommandChange
from workloads.checkout.application.changes.handovers import AddDepositHandover, AddOrderHandover, HandoverChange
from workloads.checkout.application.changes.listings import FlagSoldOut, ListingChange, SetSelling
from workloads.checkout.application.changes.operations import AddOperation, CountRedrive, OperationChange
from workloads.checkout.application.changes.orders import AddOrder, CheckOrderPending, EndOrder, OrderChange
from workloads.checkout.application.changes.prices import PriceChange, SetPriceItem
from workloads.checkout.application.changes.reservations import (
    AddReservation,
    CheckNothingHeld,
    MoveReservation,
    ReservationChange,
)
from workloads.checkout.application.changes.stock import AddAllotment, MoveStock, SetAllotted, StockChange
from workloads.checkout.application.changes.transfers import (
    AddReceipt,
    AddTransfer,
    SendTransferAgain,
    TransferChange,
)
from workloads.checkout.application.changes.wallets import (
    AddDeposit,
    AddPayment,
    AdmitOrder,
    ChangeWallet,
    CheckNotPaid,
    CheckPaid,
    RefundPayment,
    WalletChange,
)

Change: TypeAlias = (
    OrderChange
    | ReservationChange
    | StockChange
    | TransferChange
    | WalletChange
    | PriceChange
    | ListingChange
    | HandoverChange
    | CommandChange
    | OperationChange
)

__all__ = [
    "AddAllotment",
    "AddCommandRecord",
    "AddDeposit",
    "AddDepositHandover",
    "AddOperation",
    "AddOrder",
    "AddOrderHandover",
    "AddPayment",
    "AddReceipt",
    "AddReservation",
    "AddTransfer",
    "AdmitOrder",
    "Change",
    "ChangeWallet",
    "CheckNotPaid",
    "CheckNothingHeld",
    "CheckOrderPending",
    "CheckPaid",
    "CommandChange",
    "CountRedrive",
    "EndOrder",
    "FlagSoldOut",
    "HandoverChange",
    "ListingChange",
    "MoveReservation",
    "MoveStock",
    "OperationChange",
    "OrderChange",
    "PriceChange",
    "RefundPayment",
    "ReservationChange",
    "SendTransferAgain",
    "SetAllotted",
    "SetPriceItem",
    "SetSelling",
    "StockChange",
    "TransferChange",
    "WalletChange",
]
