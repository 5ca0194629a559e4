"""What checkout's functions are compared with when they start cold: the same work with the usual libraries.

One order: validated by pydantic, made idempotent by AWS Lambda Powertools, read and written by boto3.
"""

import os
from typing import Any

import boto3
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig, idempotent
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, Field

_TABLE = os.environ["CHECKOUT_TABLE"]
_CLIENT = boto3.client("dynamodb")
_IDEMPOTENCY = DynamoDBPersistenceLayer(table_name=os.environ["IDEMPOTENCY_TABLE"])
_CONFIG = IdempotencyConfig(event_key_jmespath="[customer_id, key]")


class Line(BaseModel):
    """A line of an order."""

    sku: str = Field(pattern=r"^[a-z0-9-]{1,64}$")
    quantity: int = Field(ge=1, le=100)


class Order(BaseModel):
    """An order as a client asks for it."""

    customer_id: str
    key: str = Field(min_length=1, max_length=128)
    lines: list[Line] = Field(min_length=1, max_length=20)


@idempotent(persistence_store=_IDEMPOTENCY, config=_CONFIG)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Place the order: one read, one transaction, and what idempotency needs."""
    order = Order.model_validate(event)
    price = _CLIENT.get_item(TableName=_TABLE, Key={"pk": {"S": f"PRICE#{order.lines[0].sku}"}, "sk": {"S": "PRICE"}})
    item = {
        "pk": {"S": f"ORDER#{order.key}"},
        "sk": {"S": "ORDER"},
        "customer_id": {"S": order.customer_id},
        "total": {"N": str(len(price))},
    }
    _CLIENT.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": _TABLE, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}},
            {"Put": {"TableName": _TABLE, "Item": {**item, "sk": {"S": "EVENT"}}}},
        ]
    )
    return {"order_id": order.key, "function": context.function_name}
