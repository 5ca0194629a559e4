"""Changes of how a SKU is sold as actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workloads.checkout.adapters import items, keys
from workloads.checkout.adapters.attributes import Plain
from workloads.checkout.adapters.transactions.stock import leads_to_the_level, still_told
from workloads.checkout.adapters.transactions.writer import ABSENT, PRESENT, Writer
from workloads.checkout.application.changes.selling import (
    AssignPool,
    ChangeSelling,
    ClaimCount,
    FreePool,
    SellingChange,
)
from workloads.checkout.domain.allotment import Movement, StockLevel

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


def selling_actions(write: Writer, change: SellingChange) -> list[TransactWriteItemTypeDef]:
    """Return the action of a change."""
    match change:
        case ChangeSelling(movement=movement):
            return [_change_selling(write, movement)]
        case ClaimCount(sku=sku, region=region, at=at, unless_since=unless_since):
            unclaimed = f"{PRESENT} AND (attribute_not_exists(counted_at) OR counted_at < :since)"
            return [write.update(keys.allotment(sku, region), {"counted_at": at}, unclaimed, {":since": unless_since})]
        case AssignPool(pool=pool, region=region, sku=sku, generation=generation):
            owner: dict[str, Plain] = {"sku": sku, "owner_generation": generation}
            return [write.update(keys.pool(pool, region), owner, f"{ABSENT} OR sku = :nobody", {":nobody": ""})]
        case FreePool(pool=pool, region=region, sku=sku, generation=generation):
            return [
                write.update(
                    keys.pool(pool, region),
                    {"sku": ""},
                    "sku = :sku AND owner_generation = :generation",
                    {":sku": sku, ":generation": generation},
                )
            ]


def _change_selling(write: Writer, movement: Movement) -> TransactWriteItemTypeDef:
    before, after = movement.before, movement.after
    unchanged, values = "attribute_not_exists(selling_revision)", dict[str, Plain]()
    if before.selling.revision:
        unchanged, values = "selling_revision = :revision", {":revision": before.selling.revision}
    told, told_values = still_told(before)
    leads_there, bounds = _leads_there(movement)
    if not (before.selling.revision or before.availability or leads_there):
        # An allotment that is gone has no revision, no telling and no units; where none of them is asked, it is itself.
        unchanged = f"{PRESENT} AND {unchanged}"
    fields = items.write_selling(after.selling)
    fields |= {"stock_level": after.level.value, "availability": after.availability}
    return write.update(
        keys.allotment(after.sku, after.region),
        fields,
        " AND ".join(filter(None, (unchanged, told, leads_there))),
        {**values, **told_values, **bounds},
        add={"free": movement.units} if movement.units else {},
    )


def _leads_there(movement: Movement) -> tuple[str, dict[str, Plain]]:
    """Whatever `free` is by then: no unit is issued that is not free, and what is told holds.

    While tokens are sold, only units that become free can make "sold out" wrong; how many tokens are left is fenced by
    the revision, up to those that were returned since the count, for which their order has it counted again.
    """
    if movement.after.selling.is_plain():
        return leads_to_the_level(movement)
    if movement.units < 0:
        return "#free >= :issued", {":issued": -movement.units}
    if movement.tells and movement.after.level is StockLevel.SOLD_OUT:
        return "#free <= :nothing", {":nothing": -movement.units}
    return "", {}
