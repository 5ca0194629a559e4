"""Changes of allotments as actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workloads.checkout.adapters import items, keys
from workloads.checkout.adapters.transactions.writer import PRESENT, Writer
from workloads.checkout.application.changes import ReturnStock, SetAllotmentItem, StockChange, TakeStock
from workloads.checkout.domain.allotment import Allotment

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


def stock_actions(write: Writer, change: StockChange) -> list[TransactWriteItemTypeDef]:
    """Return the action of a change."""
    match change:
        case TakeStock(sku=sku, region=region, units=units):
            key = keys.allotment(sku, region)
            return [write.update(key, {}, "#free >= :units", {":units": units}, add={"free": -units})]
        case ReturnStock(sku=sku, region=region, units=units):
            return [write.update(keys.allotment(sku, region), {}, PRESENT, {}, add={"free": units})]
        case SetAllotmentItem(before=None, after=after):
            return [write.add(keys.allotment(after.sku, after.region), items.write_allotment(after))]
        case SetAllotmentItem(before=Allotment() as before, after=after):
            # `free` moves with every order meanwhile: the difference is added, not what it was read to be.
            return [
                write.update(
                    keys.allotment(after.sku, after.region),
                    {"allotted": after.allotted, "version": after.version},
                    "version = :before",
                    {":before": before.version},
                    add={"free": after.allotted - before.allotted},
                )
            ]
        case _:
            raise AssertionError(change)
