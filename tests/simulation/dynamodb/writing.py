"""The writes: PutItem, UpdateItem, DeleteItem, BatchWriteItem and TransactWriteItems."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from tests.simulation.dynamodb.errors import cancelled, error
from tests.simulation.dynamodb.requests import Expressions, Request, primary_key, returned
from tests.simulation.dynamodb.service import TOKEN_LIFETIME, RememberedRequest, Replica, Write
from tests.simulation.dynamodb.tables import Key, Table
from tests.simulation.dynamodb.values import InvalidRequestError, Item

_MAXIMUM_ACTIONS: Final = 100
"""Actions of a transaction (Developer Guide, Service quotas)."""
_CONDITION_FAILED: Final = "The conditional request failed"


class ConditionFailedError(Exception):
    """The condition of a write does not hold; carries the item that it was compared with."""

    def __init__(self, present: Item | None) -> None:
        super().__init__(_CONDITION_FAILED)
        self.present = present


class _Prepared(NamedTuple):
    """A write that its condition allows."""

    expressions: Expressions
    before: Item | None
    write: Write | None
    """None for what only checks."""


def put_item(replica: Replica, request: Request) -> dict[str, Any]:
    """Answer PutItem."""
    return _write_one(replica, "Put", "PutItem", request)


def update_item(replica: Replica, request: Request) -> dict[str, Any]:
    """Answer UpdateItem."""
    return _write_one(replica, "Update", "UpdateItem", request)


def delete_item(replica: Replica, request: Request) -> dict[str, Any]:
    """Answer DeleteItem."""
    return _write_one(replica, "Delete", "DeleteItem", request)


def batch_write_item(replica: Replica, request: Request) -> dict[str, Any]:
    """Answer BatchWriteItem."""
    writes: list[Write] = []
    for name, requests in request["RequestItems"].items():
        table = replica.table(name, "BatchWriteItem")
        for one in requests:
            image: Item | None = one["PutRequest"]["Item"] if "PutRequest" in one else None
            key = table.schema.key_of(image) if image else primary_key(table, one["DeleteRequest"]["Key"])
            writes.append(Write(table, key, image))
    if not 1 <= len(writes) <= 25:
        message = "Too many items requested for the BatchWriteItem call"
        raise InvalidRequestError(message)
    if len({(write.table.name, write.key) for write in writes}) < len(writes):
        message = "Provided list of item keys contains duplicates"
        raise InvalidRequestError(message)
    replica.write(writes)
    return {"UnprocessedItems": {}}


def transact_write_items(replica: Replica, request: Request) -> dict[str, Any]:
    """Answer TransactWriteItems at once."""
    return begin_transaction(replica, request)()


def begin_transaction(replica: Replica, request: Request) -> Callable[[], dict[str, Any]]:
    """Let a transaction get under way; return what carries it out, during which others conflict with it.

    What is returned must be called, even if nobody waits for its answer any more.
    """
    actions = [next(iter(action.items())) for action in request["TransactItems"]]
    token: str | None = request.get("ClientRequestToken")
    targets = _targets(replica, actions)
    if token is not None and _is_known(replica, token, request["TransactItems"]):
        return dict
    if not replica.in_flight.isdisjoint(targets):
        reasons = [_conflict() if target in replica.in_flight else {"Code": "None"} for target in targets]
        raise cancelled(reasons, "TransactWriteItems")
    replica.in_flight.update(targets)
    if token is not None:
        replica.tokens_in_flight.add(token)

    def carry_out() -> dict[str, Any]:
        replica.in_flight.difference_update(targets)
        if token is not None:
            replica.tokens_in_flight.discard(token)
        _commit(replica, actions)
        if token is not None:
            replica.tokens[token] = RememberedRequest(request["TransactItems"], replica.now())
        return {}

    return carry_out


def _targets(replica: Replica, actions: Sequence[tuple[str, Request]]) -> list[tuple[str, Key]]:
    if not 1 <= len(actions) <= _MAXIMUM_ACTIONS:
        message = f"Member must have length between 1 and {_MAXIMUM_ACTIONS}, not {len(actions)}: transactItems"
        raise InvalidRequestError(message)
    targets: list[tuple[str, Key]] = []
    for kind, action in actions:
        table = replica.table(action["TableName"], "TransactWriteItems")
        key = table.schema.key_of(action["Item"]) if kind == "Put" else primary_key(table, action["Key"])
        targets.append((table.name, key))
    if len(set(targets)) < len(targets):
        message = "Transaction request cannot include multiple operations on one item"
        raise InvalidRequestError(message)
    return targets


def _is_known(replica: Replica, token: str, content: Sequence[Any]) -> bool:
    if token in replica.tokens_in_flight:
        message = "The transaction with the given request token is already in progress."
        raise error("TransactionInProgressException", message, "TransactWriteItems")
    known = replica.tokens.get(token)
    if known is None or replica.now() - known.at >= TOKEN_LIFETIME:
        return False
    if known.content != content:
        message = "The client request token was used with another request"
        raise error("IdempotentParameterMismatchException", message, "TransactWriteItems")
    return True


def _commit(replica: Replica, actions: Sequence[tuple[str, Request]]) -> None:
    reasons: list[Mapping[str, Any]] = []
    writes: list[Write] = []
    cancels = False
    for kind, action in actions:
        try:
            prepared = _prepare(replica.tables[action["TableName"]], kind, action)
        except ConditionFailedError as failure:
            cancels = True
            seen = action.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and failure.present is not None
            reason = {"Code": "ConditionalCheckFailed", "Message": _CONDITION_FAILED}
            reasons.append({**reason, "Item": failure.present} if seen else reason)
        except InvalidRequestError as invalid:
            if _is_static(invalid):
                raise
            cancels = True
            reasons.append({"Code": "ValidationError", "Message": str(invalid)})
        else:
            reasons.append({"Code": "None"})
            if prepared.write is not None:
                writes.append(prepared.write)
    if cancels:
        raise cancelled(reasons, "TransactWriteItems")
    replica.write(writes)


def _is_static(invalid: InvalidRequestError) -> bool:
    """Tell whether a request is refused for what it says, whatever the item holds: no cancellation then."""
    text = str(invalid)
    return text.startswith(("Invalid ", "Value provided", "An expression attribute", "ExpressionAttribute")) or (
        "This attribute is part of the key" in text
    )


def _conflict() -> dict[str, str]:
    return {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}


def _write_one(replica: Replica, kind: str, operation: str, request: Request) -> dict[str, Any]:
    table = replica.table(request["TableName"], operation)
    key = table.schema.key_of(request["Item"]) if kind == "Put" else primary_key(table, request["Key"])
    if (table.name, key) in replica.in_flight:
        raise error("TransactionConflictException", "Transaction is ongoing for the item", operation)
    try:
        prepared = _prepare(table, kind, request)
    except ConditionFailedError as failure:
        seen = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and failure.present is not None
        fields = {"Item": failure.present} if seen else None
        raise error("ConditionalCheckFailedException", _CONDITION_FAILED, operation, fields=fields) from failure
    if prepared.write is not None:
        replica.write([prepared.write])
    after = None if prepared.write is None else prepared.write.image
    wanted = request.get("ReturnValues", "NONE")
    expressions = prepared.expressions
    attributes = returned(wanted, prepared.before, after, expressions.update, expressions.names)
    return {} if attributes is None else {"Attributes": attributes}


def _prepare(table: Table, kind: str, action: Request) -> _Prepared:
    """Return the write that an action asks for; raises ConditionFailedError or InvalidRequestError."""
    expressions = Expressions(action)
    key = table.schema.key_of(action["Item"]) if kind == "Put" else primary_key(table, action["Key"])
    stored = table.get(key)
    before = None if stored is None else stored.image
    if not expressions.holds(before):
        raise ConditionFailedError(before)
    match kind:
        case "Put":
            image: Item | None = action["Item"]
        case "Update":
            start = action["Key"] if before is None else before
            update = expressions.update
            keys = table.schema.names
            image = start if update is None else update.applied(start, expressions.names, expressions.values, keys=keys)
        case "Delete":
            if before is None:
                return _Prepared(expressions, before, None)
            image = None
        case _:
            return _Prepared(expressions, before, None)
    if image is not None:
        for index in table.indexes.values():
            index.schema.sparse_key_of(image)
    return _Prepared(expressions, before, Write(table, key, image))
