"""Changes of transfers as actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workloads.checkout.adapters import items, keys
from workloads.checkout.adapters.transactions.writer import Writer
from workloads.checkout.application.changes import AddReceipt, AddTransfer, SendTransferAgain, TransferChange

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


def transfer_actions(write: Writer, change: TransferChange) -> list[TransactWriteItemTypeDef]:
    """Return the action of a change."""
    match change:
        case AddTransfer(transfer=transfer):
            return [write.add(keys.transfer(transfer.id, transfer.from_region), items.write_transfer(transfer))]
        case SendTransferAgain(transfer=transfer):
            key = keys.transfer(transfer.id, transfer.from_region)
            sendings = transfer.sendings
            return [write.update(key, {"sendings": sendings}, "sendings = :before", {":before": sendings - 1})]
        case AddReceipt(receipt=receipt):
            return [write.add(keys.receipt(receipt.transfer_id, receipt.from_region), items.write_receipt(receipt))]
