"""Tables: made in one Region, replicated to others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.simulation.dynamodb.errors import error
from tests.simulation.dynamodb.requests import Request
from tests.simulation.dynamodb.service import DynamoDbModel, Replica
from tests.simulation.dynamodb.tables import Attribute, Index, KeySchema, Table


def create_table(replica: Replica, request: Request) -> dict[str, Any]:
    """Answer CreateTable; the table is active at once."""
    name: str = request["TableName"]
    if name in replica.tables:
        raise error("ResourceInUseException", f"Table already exists: {name}", "CreateTable")
    types = {attribute["AttributeName"]: attribute["AttributeType"] for attribute in request["AttributeDefinitions"]}
    schema = _schema(request["KeySchema"], types)
    indexes = {
        index["IndexName"]: Index(
            index["IndexName"],
            _schema(index["KeySchema"], types),
            table=schema,
            projected=_projected(index.get("Projection", {"ProjectionType": "ALL"})),
        )
        for index in request.get("GlobalSecondaryIndexes", [])
    }
    replica.tables[name] = Table(name, schema, indexes=indexes)
    return describe_table(replica, request)


def update_table(model: DynamoDbModel, replica: Replica, request: Request) -> dict[str, Any]:
    """Answer UpdateTable, of which only the making of replicas is modelled."""
    for update in request.get("ReplicaUpdates", []):
        model.add_replica(request["TableName"], replica.region, update["Create"]["RegionName"])
    return describe_table(replica, request)


def describe_table(replica: Replica, request: Request) -> dict[str, Any]:
    """Answer DescribeTable."""
    table = replica.table(request["TableName"], "DescribeTable")
    return {"TableDescription": {"TableName": table.name, "TableStatus": "ACTIVE"}, "Table": {"TableName": table.name}}


def _schema(elements: Sequence[Mapping[str, str]], types: Mapping[str, str]) -> KeySchema:
    names = {element["KeyType"]: element["AttributeName"] for element in elements}
    range_name = names.get("RANGE")
    return KeySchema(
        Attribute(names["HASH"], types[names["HASH"]]),
        Attribute(range_name, types[range_name]) if range_name else None,
    )


def _projected(projection: Mapping[str, Any]) -> frozenset[str] | None:
    match projection["ProjectionType"]:
        case "ALL":
            return None
        case "INCLUDE":
            return frozenset(projection["NonKeyAttributes"])
        case _:
            return frozenset()
