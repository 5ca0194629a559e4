"""Changes of listings as actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workloads.checkout.adapters import items, keys
from workloads.checkout.adapters.transactions.writer import Writer
from workloads.checkout.application.changes import FlagSoldOut, ListingChange, SetSelling, TellSellingMode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


def listing_actions(write: Writer, change: ListingChange) -> list[TransactWriteItemTypeDef]:
    """Return the action of a change."""
    key = keys.listing(change.listing.sku, change.listing.region)
    match change:
        case FlagSoldOut(listing=listing):
            later = "attribute_not_exists(level_sequence) OR level_sequence < :sequence"
            return [write.update(key, items.write_flag(listing), later, {":sequence": listing.level_sequence})]
        case SetSelling(listing=listing):
            newer = "attribute_not_exists(selling_version) OR selling_version < :version"
            return [write.update(key, items.write_sale(listing), newer, {":version": listing.version})]
        case TellSellingMode(listing=listing):
            return [write.set(key, items.write_selling_mode(listing))]
