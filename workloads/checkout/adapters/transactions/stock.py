"""Changes of allotments as actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workloads.checkout.adapters import items, keys
from workloads.checkout.adapters.attributes import Plain
from workloads.checkout.adapters.transactions.writer import Writer
from workloads.checkout.application.changes import AddAllotment, MoveStock, SetAllotted, StockChange
from workloads.checkout.domain.allotment import Allotment, Movement, StockLevel, low_bound
from workloads.checkout.domain.selling import SellingMode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

_Condition = tuple[str, dict[str, Plain]]


def stock_actions(write: Writer, change: StockChange) -> list[TransactWriteItemTypeDef]:
    """Return the action of a change."""
    match change:
        case AddAllotment(movement=Movement(after=after)):
            return [write.add(keys.allotment(after.sku, after.region), items.write_allotment(after))]
        case MoveStock(movement=movement):
            return [_move(write, movement, {}, "", {})]
        case SetAllotted(movement=movement):
            allotted: dict[str, Plain] = {"allotted": movement.after.allotted, "version": movement.after.version}
            return [_move(write, movement, allotted, "version = :before", {":before": movement.before.version})]


def _move(
    write: Writer, movement: Movement, fields: dict[str, Plain], condition: str, values: dict[str, Plain]
) -> TransactWriteItemTypeDef:
    after = movement.after
    told, told_values = still_told(movement.before)
    mode, modes = _still_sold_so(movement.before)
    leads_there, bounds = leads_to_the_level(movement)
    fields = {**fields, "stock_level": after.level.value, "availability": after.availability}
    return write.update(
        keys.allotment(after.sku, after.region),
        fields,
        " AND ".join(filter(None, (condition, told, mode, leads_there))),
        {**values, **told_values, **modes, **bounds},
        add=_added(movement),
    )


def _added(movement: Movement) -> dict[str, int]:
    transferred = movement.after.transferred - movement.before.transferred
    return {"free": movement.units} | ({"transferred": transferred} if transferred else {})


def still_told(before: Allotment) -> _Condition:
    """Nobody has told another level since: each telling counts up, so that the event of one is put once."""
    if before.availability == 0:
        return "(attribute_not_exists(availability) OR availability = :told)", {":told": 0}
    return "availability = :told", {":told": before.availability}


def _still_sold_so(before: Allotment) -> _Condition:
    """It is still sold from its counter, or still by tokens: who tells its level depends on that."""
    if before.selling.is_plain():
        return "(attribute_not_exists(selling_mode) OR selling_mode = :mode)", {":mode": SellingMode.PLAIN.value}
    return "selling_mode = :mode", {":mode": before.selling.mode.value}


def leads_to_the_level(movement: Movement) -> _Condition:
    """Whatever `free` is by then, the movement ends at the level that it tells, and takes only what is there.

    Of an allotment that is gone nothing is free, and it is sold in no mode: none needs to ask whether it is there.
    """
    units, after = movement.units, movement.after
    if not after.selling.is_plain():
        # Its level is told by whoever counts the tokens.
        return ("#free >= :taken", {":taken": -units}) if units < 0 <= after.free else ("", {})
    match after.level:
        case StockLevel.AMPLE:
            return "#free > :least", {":least": low_bound(after.units) - units}
        case StockLevel.LOW:
            return "#free BETWEEN :least AND :most", {":least": 1 - units, ":most": low_bound(after.units) - units}
        case StockLevel.SOLD_OUT if after.free == 0:
            return "#free = :all", {":all": -units}
        case StockLevel.SOLD_OUT:
            return "#free <= :most", {":most": -units}
