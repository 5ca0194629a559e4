"""Each change as actions of a DynamoDB transaction, with their conditions. No change touches another's item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workloads.checkout.adapters import items, keys
from workloads.checkout.adapters.transactions.listings import listing_actions
from workloads.checkout.adapters.transactions.operations import operation_actions
from workloads.checkout.adapters.transactions.orders import order_actions
from workloads.checkout.adapters.transactions.reservations import reservation_actions
from workloads.checkout.adapters.transactions.selling import selling_actions
from workloads.checkout.adapters.transactions.stock import stock_actions
from workloads.checkout.adapters.transactions.tokens import token_actions
from workloads.checkout.adapters.transactions.transfers import transfer_actions
from workloads.checkout.adapters.transactions.wallets import wallet_actions
from workloads.checkout.adapters.transactions.writer import ABSENT, Writer
from workloads.checkout.application.changes import (
    AddCommandRecord,
    AddDepositHandover,
    AddOrderHandover,
    Change,
    ListingChange,
    OperationChange,
    OrderChange,
    ReservationChange,
    SellingChange,
    SetPriceItem,
    StockChange,
    TokenChange,
    TransferChange,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

__all__ = ["Writer", "actions_of"]


def actions_of(  # noqa: C901, PLR0911, PLR0912 - one branch a kind
    write: Writer, change: Change
) -> list[TransactWriteItemTypeDef]:
    """Return the actions of a change."""
    if isinstance(change, OrderChange):
        return order_actions(write, change)
    if isinstance(change, ReservationChange):
        return reservation_actions(write, change)
    if isinstance(change, StockChange):
        return stock_actions(write, change)
    if isinstance(change, TokenChange):
        return token_actions(write, change)
    if isinstance(change, SellingChange):
        return selling_actions(write, change)
    if isinstance(change, ListingChange):
        return listing_actions(write, change)
    if isinstance(change, OperationChange):
        return operation_actions(write, change)
    if isinstance(change, TransferChange):
        return transfer_actions(write, change)
    match change:
        case SetPriceItem(price=price):
            key = keys.price(price.sku, price.region)
            newer = {":version": price.version}
            return [write.put(key, items.write_price(price), f"{ABSENT} OR version < :version", newer)]
        case AddOrderHandover(handover=handover):
            return [write.add(keys.order_handover(handover.subject, handover.region), items.write_handover(handover))]
        case AddDepositHandover(handover=handover):
            return [write.add(keys.deposit_handover(handover.subject, handover.region), items.write_handover(handover))]
        case AddCommandRecord(record=record):
            return [write.add(keys.command(record.command_id), items.write_command(record))]
        case _:
            return wallet_actions(write, change)
