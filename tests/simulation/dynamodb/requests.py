"""What the requests of several operations have in common: placeholders, conditions, projections, returned values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, NamedTuple

from tests.simulation.dynamodb.conditions import Condition, parse_condition
from tests.simulation.dynamodb.grammar import Path, Tokens, read, resolve
from tests.simulation.dynamodb.key_conditions import KeyCondition, parse_key_condition
from tests.simulation.dynamodb.tables import Key, Table
from tests.simulation.dynamodb.updates import Update, parse_update
from tests.simulation.dynamodb.values import InvalidRequestError, Item

Request = Mapping[str, Any]

_NOTHING: Final[Mapping[str, Any]] = {}


class Parsed(NamedTuple):
    """The expressions of a request, each None where the request has none, and the placeholders of all of them."""

    condition: Condition | None
    update: Update | None
    key_condition: KeyCondition | None
    filter: Condition | None
    projection: Projection | None
    names: frozenset[str]
    values: frozenset[str]


class Expressions:
    """The expressions of one request with what their placeholders stand for."""

    __slots__ = ("condition", "filter", "key_condition", "names", "projection", "update", "values")

    def __init__(self, request: Request) -> None:
        self.names: Mapping[str, str] = _substitutes(request, "ExpressionAttributeNames")
        self.values: Mapping[str, Any] = _substitutes(request, "ExpressionAttributeValues")
        parsed = parse(
            request.get("ConditionExpression"),
            request.get("UpdateExpression"),
            request.get("KeyConditionExpression"),
            request.get("FilterExpression"),
            request.get("ProjectionExpression"),
        )
        self.condition, self.update, self.key_condition, self.filter, self.projection, names, values = parsed
        if not _are(names, self.names):
            _complain("name", "Names", wanted=names, given=self.names.keys())
        if not _are(values, self.values):
            _complain("value", "Values", wanted=values, given=self.values.keys())

    def holds(self, item: Item | None) -> bool:
        """Tell whether the condition holds for an item, or for its absence."""
        return self.condition is None or self.condition.holds(item or {}, self.names, self.values)

    def passes(self, item: Item) -> bool:
        """Tell whether the filter lets an item through."""
        return self.filter is None or self.filter.holds(item, self.names, self.values)

    def projected(self, item: Item) -> Item:
        """Return what the request wants to see of an item."""
        return item if self.projection is None else self.projection.of(item, self.names)


class Projection:
    """The attributes that a request wants to see."""

    def __init__(self, tokens: Tokens, paths: list[Path]) -> None:
        self.names = frozenset(tokens.names)
        self.values = frozenset(tokens.values)
        self._paths = paths

    def of(self, item: Item, names: Mapping[str, str]) -> Item:
        """Return the part of an item that is wanted. Paths into documents give the documents around them."""
        part: Item = {}
        for path in self._paths:
            found = read(item, path, names)
            if found is not None:
                _graft(part, resolve(path, names), found)
        return part


@lru_cache(maxsize=4096)
def parse(
    condition: str | None, update: str | None, keys: str | None, matching: str | None, projection: str | None
) -> Parsed:
    """Parse the expressions of a request; raises InvalidRequestError."""
    parsed = (
        None if condition is None else parse_condition(condition),
        None if update is None else parse_update(update),
        None if keys is None else parse_key_condition(keys),
        None if matching is None else parse_condition(matching, "FilterExpression"),
        None if projection is None else parse_projection(projection),
    )
    present = [expression for expression in parsed if expression is not None]
    names = frozenset[str]().union(*(expression.names for expression in present))
    values = frozenset[str]().union(*(expression.values for expression in present))
    return Parsed(*parsed, names, values)


@lru_cache(maxsize=1024)
def parse_projection(expression: str) -> Projection:
    """Parse a projection; raises InvalidRequestError."""
    tokens = Tokens("ProjectionExpression", expression)
    paths = [tokens.path()]
    while tokens.accept(","):
        paths.append(tokens.path())
    tokens.end()
    return Projection(tokens, paths)


def primary_key(table: Table, given: Request) -> Key:
    """Return the key that a request names; raises InvalidRequestError where it is not the table's."""
    if len(given) != table.schema.width:
        message = "The provided key element does not match the schema"
        raise InvalidRequestError(message)
    try:
        return table.schema.key_of(given)
    except InvalidRequestError as error:
        message = f"The provided key element does not match the schema: {error}"
        raise InvalidRequestError(message) from error


def returned(wanted: str, before: Item | None, after: Item | None, update: Update | None, names: Any) -> Item | None:
    """Return the attributes that a write answers with."""
    match wanted:
        case "NONE":
            return None
        case "ALL_OLD":
            return before
        case "ALL_NEW":
            return after
        case "UPDATED_OLD" | "UPDATED_NEW":
            image = (before if wanted == "UPDATED_OLD" else after) or {}
            changed = {path[0] for path in update.paths(names)} if update else set()
            return {name: value for name, value in image.items() if name in changed} or None
        case _:
            message = f"ReturnValues set to invalid value: {wanted}"
            raise InvalidRequestError(message)


def _are(wanted: frozenset[str], given: Mapping[str, Any]) -> bool:
    return len(wanted) == len(given) and all(name in given for name in wanted)


def _substitutes(request: Request, field: str) -> Mapping[str, Any]:
    given = request.get(field)
    if given is None:
        return _NOTHING
    if not given:
        message = f"{field} must not be empty"
        raise InvalidRequestError(message)
    return given


def _complain(kind: str, field: str, *, wanted: frozenset[str], given: Any) -> None:
    missing = wanted - given
    if missing:
        message = f"An expression attribute {kind} used in an expression is not defined: {', '.join(sorted(missing))}"
        raise InvalidRequestError(message)
    message = f"Value provided in ExpressionAttribute{field} unused in expressions: keys: {sorted(given - wanted)}"
    raise InvalidRequestError(message)


def _graft(part: Item, path: Path, value: Any) -> None:
    container: Any = part
    for name, following in pairwise(path):
        kind = "L" if isinstance(following, int) else "M"
        empty: Any = {kind: [] if kind == "L" else {}}
        if isinstance(name, int):
            container.append(empty)
            container = container[-1][kind]
        else:
            container = container.setdefault(name, empty)[kind]
    if isinstance(path[-1], int):
        container.append(value)
    else:
        container[path[-1]] = value
