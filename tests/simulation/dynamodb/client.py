"""A client of the model that takes and gives what a botocore client does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from botocore.errorfactory import BaseClientExceptions

from tests.simulation.dynamodb import administration, reading, writing
from tests.simulation.dynamodb.errors import error, exceptions_of
from tests.simulation.dynamodb.requests import Request
from tests.simulation.dynamodb.service import DynamoDbModel, Replica
from tests.simulation.dynamodb.values import InvalidRequestError

Answer: TypeAlias = dict[str, Any]
Serve: TypeAlias = Callable[[Replica, Request], Answer]
Network: TypeAlias = Callable[[str, Request, Callable[[], Answer]], Answer]
"""What lies between a client and the service: it is handed the operation's name, the request, and what carries it
out, and returns the answer, or loses it."""


class DynamoDbModelClient:
    """DynamoDB in one Region, behind a network."""

    def __init__(self, model: DynamoDbModel, region: str, network: Network | None = None) -> None:
        self.network: Network = network or _direct
        self._model = model
        self._replica = model.replicas[region]

    @property
    def exceptions(self) -> BaseClientExceptions:
        """Return the classes of the errors, as on every client."""
        return exceptions_of("dynamodb")

    def get_item(self, **request: Any) -> Answer:
        return self._call("GetItem", request, reading.get_item)

    def batch_get_item(self, **request: Any) -> Answer:
        return self._call("BatchGetItem", request, reading.batch_get_item)

    def transact_get_items(self, **request: Any) -> Answer:
        return self._call("TransactGetItems", request, reading.transact_get_items)

    def query(self, **request: Any) -> Answer:
        return self._call("Query", request, reading.query)

    def scan(self, **request: Any) -> Answer:
        return self._call("Scan", request, reading.scan)

    def put_item(self, **request: Any) -> Answer:
        return self._call("PutItem", request, writing.put_item)

    def update_item(self, **request: Any) -> Answer:
        return self._call("UpdateItem", request, writing.update_item)

    def delete_item(self, **request: Any) -> Answer:
        return self._call("DeleteItem", request, writing.delete_item)

    def batch_write_item(self, **request: Any) -> Answer:
        return self._call("BatchWriteItem", request, writing.batch_write_item)

    def transact_write_items(self, **request: Any) -> Answer:
        return self._call("TransactWriteItems", request, writing.transact_write_items)

    def create_table(self, **request: Any) -> Answer:
        return administration.create_table(self._replica, request)

    def update_table(self, **request: Any) -> Answer:
        return administration.update_table(self._model, self._replica, request)

    def describe_table(self, **request: Any) -> Answer:
        return administration.describe_table(self._replica, request)

    def get_paginator(self, operation: str) -> Paginator:
        """Return what pages through `query` or `scan`."""
        return Paginator({"query": self.query, "scan": self.scan}[operation])

    def _call(self, operation: str, request: Mapping[str, Any], serve: Serve) -> Answer:
        def carry_out() -> Answer:
            try:
                return serve(self._replica, request)
            except InvalidRequestError as invalid:
                raise error("ValidationException", str(invalid), operation) from invalid

        return self.network(operation, request, carry_out)


class Paginator:
    """Asks for page after page."""

    def __init__(self, ask: Callable[..., Answer]) -> None:
        self._ask = ask

    def paginate(self, **request: Any) -> Iterator[Answer]:
        """Return the pages."""
        start: Mapping[str, Any] = {}
        if "PaginationConfig" in request:
            request["Limit"] = request.pop("PaginationConfig")["PageSize"]
        while True:
            page = self._ask(**request, **start)
            yield page
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _direct(_operation: str, _request: Request, carry_out: Callable[[], Answer]) -> Answer:
    return carry_out()
