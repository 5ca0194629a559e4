"""Transfers and their receipts as items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workloads.checkout.adapters.items.fields import Fields
from workloads.checkout.domain.transfer import Receipt, Transfer


def write_transfer(transfer: Transfer) -> Fields:
    """Write a transfer."""
    return {
        "transfer_id": transfer.id,
        "sku": transfer.sku,
        "units": transfer.units,
        "from_region": transfer.from_region,
        "to_region": transfer.to_region,
        "sent_at": transfer.sent_at,
        "sendings": transfer.sendings,
    }


def read_transfer(item: Mapping[str, Any], *, received: bool) -> Transfer:
    """Read a transfer; whether it was received is another Region's item."""
    return Transfer(
        id=item["transfer_id"],
        sku=item["sku"],
        units=item["units"],
        from_region=item["from_region"],
        to_region=item["to_region"],
        sent_at=item["sent_at"],
        sendings=item["sendings"],
        received=received,
    )


def write_receipt(receipt: Receipt) -> Fields:
    """Write the receipt of a transfer."""
    return {
        "transfer_id": receipt.transfer_id,
        "sku": receipt.sku,
        "units": receipt.units,
        "from_region": receipt.from_region,
        "to_region": receipt.to_region,
        "received_at": receipt.received_at,
    }


def read_receipt(item: Mapping[str, Any]) -> Receipt:
    """Read the receipt of a transfer."""
    return Receipt(
        transfer_id=item["transfer_id"],
        sku=item["sku"],
        units=item["units"],
        from_region=item["from_region"],
        to_region=item["to_region"],
        received_at=item["received_at"],
    )
