"""Writes single actions of a DynamoDB transaction. Every item that is written names its Region as its origin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from workloads.checkout.adapters import items, keys
from workloads.checkout.adapters.attributes import Plain, write_item
from workloads.contracts.clock import Clock, timestamp

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

ABSENT: Final = "attribute_not_exists(pk)"
PRESENT: Final = "attribute_exists(pk)"

_RESERVED: Final = ("state", "free")
"""Attribute names that DynamoDB reserves: expressions write them as `#state`, `#free`."""


class Writer:
    """Writes actions on one table, in one Region."""

    def __init__(self, table: str, region: str, clock: Clock) -> None:
        self._table = table
        self._region = region
        self._clock = clock

    def stamp(self) -> str:
        """Return the time for an item that tells when it was written."""
        return timestamp(self._clock.now())

    @property
    def region(self) -> str:
        """Where it writes."""
        return self._region

    def add(self, key: keys.Key, fields: items.Fields) -> TransactWriteItemTypeDef:
        """Put an item if there is none."""
        return self.put(key, fields, ABSENT, {})

    def put(
        self, key: keys.Key, fields: items.Fields, condition: str, values: Mapping[str, Plain]
    ) -> TransactWriteItemTypeDef:
        """Put an item under a condition."""
        action: TransactWriteItemTypeDef = {
            "Put": {
                "TableName": self._table,
                "Item": write_item({**key, **fields, "origin_region": self._region}),
                "ConditionExpression": condition,
            }
        }
        if values and "Put" in action:
            action["Put"]["ExpressionAttributeValues"] = write_item(values)
        return action

    def update(
        self,
        key: keys.Key,
        fields: Mapping[str, Plain],
        condition: str,
        values: Mapping[str, Plain],
        *,
        add: Mapping[str, int] | None = None,
        remove: Sequence[str] = (),
    ) -> TransactWriteItemTypeDef:
        """Set attributes, add to numbers whatever they are by then, and remove attributes, under a condition."""
        added = add or {}
        changed: dict[str, Plain] = {**fields, "origin_region": self._region}
        expression = "SET " + ", ".join(f"#{name} = :new_{name}" for name in changed)
        if added:
            expression += " ADD " + ", ".join(f"#{name} :added_{name}" for name in added)
        if remove:
            expression += " REMOVE " + ", ".join(f"#{name}" for name in remove)
        return {
            "Update": {
                "TableName": self._table,
                "Key": write_item(key),
                "UpdateExpression": expression,
                "ConditionExpression": condition,
                "ExpressionAttributeNames": {f"#{name}": name for name in (*changed, *added, *remove)}
                | _reserved(condition),
                "ExpressionAttributeValues": write_item(
                    {f":new_{name}": value for name, value in changed.items()}
                    | {f":added_{name}": value for name, value in added.items()}
                    | dict(values)
                ),
            }
        }

    def set(self, key: keys.Key, fields: Mapping[str, Plain]) -> TransactWriteItemTypeDef:
        """Set attributes, whatever is there: another action of the same transaction is what decides."""
        changed: dict[str, Plain] = {**fields, "origin_region": self._region}
        return {
            "Update": {
                "TableName": self._table,
                "Key": write_item(key),
                "UpdateExpression": "SET " + ", ".join(f"#{name} = :new_{name}" for name in changed),
                "ExpressionAttributeNames": {f"#{name}": name for name in changed},
                "ExpressionAttributeValues": write_item({f":new_{name}": value for name, value in changed.items()}),
            }
        }

    def check(self, key: keys.Key, condition: str, values: Mapping[str, Plain]) -> TransactWriteItemTypeDef:
        """Write nothing, and hold the transaction to a condition."""
        action: TransactWriteItemTypeDef = {
            "ConditionCheck": {
                "TableName": self._table,
                "Key": write_item(key),
                "ConditionExpression": condition,
            }
        }
        if values and "ConditionCheck" in action:
            action["ConditionCheck"]["ExpressionAttributeValues"] = write_item(values)
        if (names := _reserved(condition)) and "ConditionCheck" in action:
            action["ConditionCheck"]["ExpressionAttributeNames"] = names
        return action


def _reserved(condition: str) -> dict[str, str]:
    return {f"#{name}": name for name in _RESERVED if f"#{name}" in condition}
