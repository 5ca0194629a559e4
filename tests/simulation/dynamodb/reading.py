"""The reads: GetItem, BatchGetItem, TransactGetItems, Query and Scan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from tests.simulation.dynamodb.errors import cancelled
from tests.simulation.dynamodb.key_conditions import Range
from tests.simulation.dynamodb.requests import Expressions, Request, primary_key
from tests.simulation.dynamodb.service import Replica
from tests.simulation.dynamodb.tables import KeySchema, Partition, Table, hash_place
from tests.simulation.dynamodb.values import InvalidRequestError, Item, weight

_PAGE_BYTES: Final = 2**20
_WEIGHED_FROM: Final = 40
"""A page of fewer items is not weighed: it would be the dearest part of a query, and items here are small."""


class _Found(NamedTuple):
    """An item and where it stands in the order of the answer."""

    place: Any
    item: Item


def get_item(replica: Replica, request: Request) -> dict[str, Any]:
    """Answer GetItem."""
    item = _get(replica.table(request["TableName"], "GetItem"), request)
    return {} if item is None else {"Item": item}


def batch_get_item(replica: Replica, request: Request) -> dict[str, Any]:
    """Answer BatchGetItem."""
    wanted: Mapping[str, Any] = request["RequestItems"]
    if sum(len(of_table["Keys"]) for of_table in wanted.values()) > 100:
        message = "Too many items requested for the BatchGetItem call"
        raise InvalidRequestError(message)
    responses: dict[str, list[Item]] = {}
    for name, of_table in wanted.items():
        table = replica.table(name, "BatchGetItem")
        keys = [primary_key(table, key) for key in of_table["Keys"]]
        if not keys:
            message = f"The list of keys of {name} must have length greater than or equal to 1"
            raise InvalidRequestError(message)
        if len(set(keys)) < len(keys):
            message = "Provided list of item keys contains duplicates"
            raise InvalidRequestError(message)
        expressions = Expressions(of_table)
        found = [stored.image for key in keys if (stored := table.get(key)) is not None]
        responses[name] = [expressions.projected(image) for image in found if image is not None]
    return {"Responses": responses, "UnprocessedKeys": {}}


def transact_get_items(replica: Replica, request: Request) -> dict[str, Any]:
    """Answer TransactGetItems, which meets a transaction under way as a conflict."""
    gets = [action["Get"] for action in request["TransactItems"]]
    tables = [replica.table(get["TableName"], "TransactGetItems") for get in gets]
    keys = [(table.name, primary_key(table, get["Key"])) for table, get in zip(tables, gets, strict=True)]
    if not replica.in_flight.isdisjoint(keys):
        codes = ["TransactionConflict" if key in replica.in_flight else "None" for key in keys]
        raise cancelled([{"Code": code} for code in codes], "TransactGetItems")
    found = [_get(table, get) for table, get in zip(tables, gets, strict=True)]
    return {"Responses": [{} if item is None else {"Item": item} for item in found]}


def query(replica: Replica, request: Request) -> dict[str, Any]:
    """Answer Query on a table or an index."""
    table = replica.table(request["TableName"], "Query")
    index = request.get("IndexName")
    expressions = Expressions(request)
    schema = _schema(table, request)
    if expressions.key_condition is None:
        message = "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
        raise InvalidRequestError(message)
    hash_key, bounds = expressions.key_condition.of(schema, expressions.names, expressions.values)
    if index is None:
        found = _of_table(table.partitions.get(hash_key), bounds)
    else:
        found = _of_index(table.indexes[index].partition(hash_key, now=replica.now()), bounds)
    start = None
    if "ExclusiveStartKey" in request:
        start = _place(table, schema, request["ExclusiveStartKey"], indexed=index is not None)
    backwards = not request.get("ScanIndexForward", True)
    if backwards:
        found.reverse()
    if start is not None:
        found = [entry for entry in found if (entry.place < start if backwards else entry.place > start)]
    return _page(found, request, expressions, table.schema.names | schema.names)


def scan(replica: Replica, request: Request) -> dict[str, Any]:
    """Answer Scan on a table or an index, whole or one segment of it."""
    table = replica.table(request["TableName"], "Scan")
    index = request.get("IndexName")
    expressions = Expressions(request)
    schema = _schema(table, request)
    partitions = table.partitions if index is None else table.indexes[index].partitions(now=replica.now())
    segments: int = request.get("TotalSegments", 1)
    found = [
        _Found((hash_place(hash_key), hash_key, sort_key), item)
        for hash_key in partitions
        if segments == 1 or hash_place(hash_key) % segments == request["Segment"]
        for sort_key, item in partitions[hash_key].between(None, None)
    ]
    found.sort(key=lambda entry: entry.place)
    if "ExclusiveStartKey" in request:
        key = request["ExclusiveStartKey"]
        hash_key = schema.key_of(key)[0]
        start = (hash_place(hash_key), hash_key, _place(table, schema, key, indexed=index is not None))
        found = [entry for entry in found if entry.place > start]
    return _page(found, request, expressions, table.schema.names | schema.names)


def _get(table: Table, request: Request) -> Item | None:
    stored = table.get(primary_key(table, request["Key"]))
    if stored is None or stored.image is None:
        return None
    return Expressions(request).projected(stored.image) if "ProjectionExpression" in request else stored.image


def _schema(table: Table, request: Request) -> KeySchema:
    name = request.get("IndexName")
    if name is None:
        return table.schema
    if name not in table.indexes:
        message = f"The table does not have the specified index: {name}"
        raise InvalidRequestError(message)
    if request.get("ConsistentRead"):
        message = "Consistent reads are not supported on global secondary indexes"
        raise InvalidRequestError(message)
    return table.indexes[name].schema


def _of_table(partition: Partition | None, bounds: Range) -> list[_Found]:
    if partition is None:
        return []
    found = [_Found(*entry) for entry in partition.between(bounds.low, bounds.high)]
    return [entry for entry in found if entry.place not in bounds[:2]] if bounds.strict else found


def _of_index(partition: Partition | None, bounds: Range) -> list[_Found]:
    """Return a part of an index, which orders by its own sort key, and by the table's key among equals."""
    if partition is None:
        return []
    low, high, strict = bounds
    return [
        _Found(place, item)
        for place, item in partition.between(None, None)
        if (low is None or place[0] > low or (place[0] == low and not strict))
        and (high is None or place[0] < high or (place[0] == high and not strict))
    ]


def _place(table: Table, schema: KeySchema, key: Request, *, indexed: bool) -> Any:
    sort_key = schema.key_of(key)[1]
    return (sort_key, table.schema.key_of(key)) if indexed else sort_key


def _page(found: list[_Found], request: Request, expressions: Expressions, key_names: frozenset[str]) -> dict[str, Any]:
    limit: int | None = request.get("Limit")
    page = found if limit is None else found[:limit]
    stopped = limit is not None and len(page) == limit
    if len(page) > _WEIGHED_FROM:
        bytes_read = 0
        for position, entry in enumerate(page):
            bytes_read += weight(entry.item)
            if bytes_read > _PAGE_BYTES:
                page, stopped = page[: position + 1], position + 1 < len(found)
                break
    items = [expressions.projected(entry.item) for entry in page if expressions.passes(entry.item)]
    answer: dict[str, Any] = {"Count": len(items), "ScannedCount": len(page)}
    if request.get("Select") != "COUNT":
        answer["Items"] = items
    if stopped and page:
        answer["LastEvaluatedKey"] = {name: page[-1].item[name] for name in key_names}
    return answer
