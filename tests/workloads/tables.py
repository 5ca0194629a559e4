"""Tables as the cells have them, made through whatever client is given: of the embedded AWS, or of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def replicated_table(client: DynamoDBClient, name: str, regions: tuple[str, ...]) -> str:
    """Make a table with keys `pk` and `sk`, a stream and a replica in each Region; return its unique name.

    The client is one of the first Region.
    """
    unique = f"{name}-{uuid4().hex[:8]}"
    client.create_table(
        TableName=unique,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    for region in regions[1:]:
        client.update_table(TableName=unique, ReplicaUpdates=[{"Create": {"RegionName": region}}])
    return unique
