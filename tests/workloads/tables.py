"""Tables as the cells have them, made through whatever client is given: of the embedded AWS, or of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


_EXPIRY: Final = ("expiry_bucket", "expires_at")
_BY_EXPIRY: Final[dict[str, Any]] = {
    "IndexName": "reservations-by-expiry",
    "KeySchema": [
        {"AttributeName": key, "KeyType": kind} for key, kind in zip(_EXPIRY, ("HASH", "RANGE"), strict=True)
    ],
    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["order_id", "customer_id"]},
}


def replicated_table(client: DynamoDBClient, name: str, regions: tuple[str, ...]) -> str:
    """Make a table with keys `pk` and `sk`, a stream and a replica in each Region; return its unique name.

    The client is one of the first Region.
    """
    unique = f"{name}-{uuid4().hex[:8]}"
    keys = ("pk", "sk", *(_EXPIRY if name == "checkout" else ()))
    indexes: dict[str, Any] = {"GlobalSecondaryIndexes": [_BY_EXPIRY]} if name == "checkout" else {}
    client.create_table(
        TableName=unique,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        **indexes,
    )
    for region in regions[1:]:
        client.update_table(TableName=unique, ReplicaUpdates=[{"Create": {"RegionName": region}}])
    return unique
