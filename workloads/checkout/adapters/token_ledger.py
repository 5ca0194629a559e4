"""Reads whose the tokens are from checkout's table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from workloads.checkout.adapters import items, keys
from workloads.checkout.adapters.attributes import read_item, write_item
from workloads.checkout.adapters.batches import read_batch
from workloads.checkout.domain.token import Token, TokenRecord, TokenState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoDbTokenLedger:
    """Implements `TokenLedger` on this Region's replica."""

    def __init__(self, client: DynamoDBClient, *, table: str, region: str) -> None:
        self._client = client
        self._table = table
        self._region = region

    def records(self, tokens: Iterable[Token]) -> Mapping[Token, TokenRecord]:
        """Return what is known of tokens; those that never were anybody's are missing."""
        by_key = {tuple(keys.token(token, self._region).values()): token for token in tokens}
        found: dict[Token, TokenRecord] = {}
        wanted = [{"pk": pk, "sk": sk} for pk, sk in by_key]
        for item in read_batch(self._client, self._table, wanted):
            token = by_key[item["pk"], item["sk"]]
            found[token] = items.read_token(token, item)
        return found

    def partition(self, sku: str, generation: int, partition: int) -> Mapping[int, TokenRecord]:
        """Return what is known under one partition key of a generation, by number."""
        found: dict[int, TokenRecord] = {}
        for page in self._pages(sku, generation, partition):
            for item in map(read_item, page["Items"]):
                token = Token(sku, generation, int(item["sk"]))
                found[token.number] = items.read_token(token, item)
        return found

    def decided_in(self, sku: str, generation: int, partition: int) -> int:
        """Return how many tokens under one partition key are not free for an order.

        The count reads whole items: 64 times a second of a generation of 10,000 costs some 250 read units.
        """
        counted = {
            "Select": "COUNT",
            "FilterExpression": "#state <> :returned",
            "ExpressionAttributeNames": {"#state": "state"},
        }
        values = {":returned": TokenState.RETURNED.value}
        return sum(page["Count"] for page in self._pages(sku, generation, partition, counted, values))

    def owners(self, pools: int) -> Mapping[int, str]:
        """Return the SKU of each pool that has one."""
        by_key = {keys.pool(pool, self._region)["pk"]: pool for pool in range(pools)}
        wanted = [keys.pool(pool, self._region) for pool in range(pools)]
        found = read_batch(self._client, self._table, wanted) if wanted else []
        return {by_key[item["pk"]]: item["sku"] for item in found if item["sku"]}

    def _pages(
        self,
        sku: str,
        generation: int,
        partition: int,
        parameters: Mapping[str, Any] | None = None,
        values: Mapping[str, str] | None = None,
    ) -> Iterator[Mapping[str, Any]]:
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": write_item(
                {":pk": keys.token_partition(sku, self._region, generation, partition), **(values or {})}
            ),
            "ConsistentRead": True,
            **(parameters or {}),
        }
        while True:
            page: Mapping[str, Any] = self._client.query(**request)
            yield page
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
