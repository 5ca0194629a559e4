"""The balances in this Region's own table `loyalty-projections`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from workloads.loyalty.application.ports import BalanceMovedError, StoredBalance
from workloads.loyalty.domain.accounts import Balance, Cause

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


class DynamoDBBalances:
    """One item a customer; points, positions and version change together or not at all."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def load(self, customer_id: str) -> StoredBalance:
        """Return the stored balance, or an empty one."""
        item = self._client.get_item(TableName=self._table, Key=_key(customer_id), ConsistentRead=True).get("Item")
        if item is None:
            return StoredBalance(balance=Balance(customer_id=customer_id))
        positions = {region: int(value.get("N", "0")) for region, value in item["positions"].get("M", {}).items()}
        balance = Balance(
            customer_id=customer_id,
            points=_number(item, "balance"),
            positions=positions,
            latest=msgspec.json.decode(item["latest"].get("S", ""), type=Cause),
        )
        return StoredBalance(balance=balance, published_version=_number(item, "published_version"))

    def save(self, balance: Balance, *, expected_version: int) -> None:
        """Store balance and positions; `published_version` stays as it is."""
        values: dict[str, AttributeValueTypeDef] = {
            ":points": {"N": str(balance.points)},
            ":version": {"N": str(balance.version)},
            ":positions": {"M": {region: {"N": str(position)} for region, position in balance.positions.items()}},
            ":latest": {"S": msgspec.json.encode(balance.latest).decode()},
            ":expected": {"N": str(expected_version)},
        }
        condition = "version = :expected" if expected_version else "attribute_not_exists(pk)"
        if not expected_version:
            del values[":expected"]
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_key(balance.customer_id),
                UpdateExpression="SET balance = :points, version = :version, positions = :positions, latest = :latest",
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
            )
        except self._client.exceptions.ConditionalCheckFailedException as error:
            raise BalanceMovedError(balance.customer_id, expected_version) from error

    def mark_published(self, customer_id: str, version: int) -> None:
        """Raise the published version to this one; one that is as high already stays."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_key(customer_id),
                UpdateExpression="SET published_version = :version",
                ConditionExpression="attribute_exists(pk)"
                " AND (attribute_not_exists(published_version) OR published_version < :version)",
                ExpressionAttributeValues={":version": {"N": str(version)}},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return  # another projector published this version or a later one, or a rebuild began anew

    def forget(self, customer_id: str) -> None:
        """Remove the item."""
        self._client.delete_item(TableName=self._table, Key=_key(customer_id))


def _key(customer_id: str) -> dict[str, AttributeValueTypeDef]:
    return {"pk": {"S": f"BALANCE#{customer_id}"}, "sk": {"S": "BALANCE"}}


def _number(item: dict[str, AttributeValueTypeDef], name: str) -> int:
    return int(item.get(name, {}).get("N", "0"))
