"""The changes that a transaction is made of, each with the condition under which it holds; a module an aggregate.

A change that starts with `Check` writes nothing: it stands for what a decision relied on.
"""

from __future__ import annotations

from typing import TypeAlias

from workloads.checkout.application.changes.commands import AddCommandRecord, CommandChange
from workloads.checkout.application.changes.handovers import AddDepositHandover, AddOrderHandover, HandoverChange
from workloads.checkout.application.changes.listings import FlagSoldOut, ListingChange, SetSelling, TellSellingMode
from workloads.checkout.application.changes.operations import AddOperation, CountRedrive, OperationChange
from workloads.checkout.application.changes.orders import (
    AddOrder,
    CheckOrderOpen,
    CheckOrderPending,
    EndOrder,
    OrderChange,
    RefundOrder,
    RequestCancellation,
)
from workloads.checkout.application.changes.prices import PriceChange, SetPriceItem
from workloads.checkout.application.changes.reservations import (
    AddReservation,
    CheckNothingHeld,
    ConsumeReservation,
    ForgetExpiry,
    MoveReservation,
    ReservationChange,
    ReturnUnits,
)
from workloads.checkout.application.changes.selling import (
    AssignPool,
    ChangeSelling,
    ClaimCount,
    FreePool,
    SellingChange,
)
from workloads.checkout.application.changes.stock import AddAllotment, MoveStock, SetAllotted, StockChange
from workloads.checkout.application.changes.tokens import (
    ReclaimToken,
    RetireSettledToken,
    RetireToken,
    ReturnToken,
    SettleToken,
    TakeToken,
    TokenChange,
)
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
    | WalletChange
    | PriceChange
    | HandoverChange
    | CommandChange
    | TokenChange
    | SellingChange
    | TransferChange
    | ListingChange
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
    "AssignPool",
    "Change",
    "ChangeSelling",
    "ChangeWallet",
    "CheckNotPaid",
    "CheckNothingHeld",
    "CheckOrderOpen",
    "CheckOrderPending",
    "CheckPaid",
    "ClaimCount",
    "CommandChange",
    "ConsumeReservation",
    "CountRedrive",
    "EndOrder",
    "FlagSoldOut",
    "ForgetExpiry",
    "FreePool",
    "HandoverChange",
    "ListingChange",
    "MoveReservation",
    "MoveStock",
    "OperationChange",
    "OrderChange",
    "PriceChange",
    "ReclaimToken",
    "RefundOrder",
    "RefundPayment",
    "RequestCancellation",
    "ReservationChange",
    "RetireSettledToken",
    "RetireToken",
    "ReturnToken",
    "ReturnUnits",
    "SellingChange",
    "SendTransferAgain",
    "SetAllotted",
    "SetPriceItem",
    "SetSelling",
    "SettleToken",
    "StockChange",
    "TakeToken",
    "TellSellingMode",
    "TokenChange",
    "TransferChange",
    "WalletChange",
]
