"""Tables as the cells have them, made through whatever client is given: of the embedded AWS, or of a model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


INDEXES: Final[dict[str, tuple[tuple[str, str], dict[str, Any]]]] = {
    "reservations-by-expiry": (
        ("expiry_bucket", "expires_at"),
        {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["order_id", "customer_id"]},
    ),
    "orders-by-customer": (("customer_id", "placed_at"), {"ProjectionType": "KEYS_ONLY"}),
}
"""Of checkout's table: the keys of each index, and what else is in it."""


def replicated_table(client: DynamoDBClient, name: str, regions: tuple[str, ...]) -> str:
    """Make a table with keys `pk` and `sk`, a stream and a replica in each Region; return its unique name.

    The client is one of the first Region.
    """
    unique = f"{name}-{uuid4().hex[:8]}"
    client.create_table(
        TableName=unique,
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        **keyed(INDEXES if name == "checkout" else ()),
    )
    for region in regions[1:]:
        client.update_table(TableName=unique, ReplicaUpdates=[{"Create": {"RegionName": region}}])
    return unique


def keyed(indexes: Iterable[str]) -> Any:
    """Return the parameters of CreateTable that say the keys of a table, and its indexes with theirs."""
    names = list(indexes)
    keys = ("pk", "sk", *(key for name in names for key in INDEXES[name][0]))
    return {
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in keys],
        **({"GlobalSecondaryIndexes": [_index(name) for name in names]} if names else {}),
    }


def _index(name: str) -> dict[str, Any]:
    (partition, sort), projection = INDEXES[name]
    return {
        "IndexName": name,
        "KeySchema": [
            {"AttributeName": partition, "KeyType": "HASH"},
            {"AttributeName": sort, "KeyType": "RANGE"},
        ],
        "Projection": projection,
    }
