"""Key condition expressions: the one partition, and the range within it, that a query reads."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from tests.simulation.dynamodb.grammar import Tokens, root
from tests.simulation.dynamodb.tables import Attribute, KeySchema
from tests.simulation.dynamodb.values import AttributeValue, InvalidRequestError, sortable

_COMPARATORS: Final = ("=", "<", "<=", ">", ">=")
_LAST: Final = "\U0010ffff"
"""Behind all that a text may go on with."""


class Term(NamedTuple):
    """One comparison of a key attribute."""

    attribute: str
    operator: str
    values: tuple[str, ...]


class Range(NamedTuple):
    """Sort keys from one to another; None is no bound."""

    low: Any = None
    high: Any = None
    strict: bool = False
    """Whether the bounds themselves are left out."""


class KeyCondition(NamedTuple):
    """The comparisons of an expression, and the placeholders that it needs."""

    terms: tuple[Term, ...]
    names: frozenset[str]
    values: frozenset[str]

    def of(
        self, schema: KeySchema, names: Mapping[str, str], values: Mapping[str, AttributeValue]
    ) -> tuple[Any, Range]:
        """Return the partition key and the range that are asked for; raises InvalidRequestError."""
        terms = {names.get(term.attribute, term.attribute): term for term in self.terms}
        hash_term = terms.pop(schema.hash.name, None)
        if hash_term is None or hash_term.operator != "=":
            message = f"Query condition missed key schema element: {schema.hash.name}"
            raise InvalidRequestError(message)
        hash_key = _key(schema.hash, values[hash_term.values[0]])
        if not terms:
            return hash_key, Range()
        range_term = terms.pop(schema.range.name, None) if schema.range else None
        if range_term is None or schema.range is None or terms:
            message = "Query key condition not supported"
            raise InvalidRequestError(message)
        return hash_key, _range(range_term.operator, [_key(schema.range, values[name]) for name in range_term.values])


@lru_cache(maxsize=1024)
def parse_key_condition(expression: str) -> KeyCondition:
    """Parse a key condition; raises InvalidRequestError."""
    tokens = Tokens("KeyConditionExpression", expression)
    terms = [_term(tokens)]
    while tokens.accept("AND"):
        terms.append(_term(tokens))
    tokens.end()
    return KeyCondition(tuple(terms), frozenset(tokens.names), frozenset(tokens.values))


def _term(tokens: Tokens) -> Term:
    if tokens.accept("("):
        term = _term(tokens)
        tokens.expect(")")
        return term
    if tokens.function("begins_with"):
        attribute = _attribute(tokens)
        tokens.expect(",")
        value = tokens.value()
        tokens.expect(")")
        return Term(attribute, "begins_with", (value,))
    attribute = _attribute(tokens)
    if tokens.accept("BETWEEN"):
        low = tokens.value()
        tokens.expect("AND")
        return Term(attribute, "BETWEEN", (low, tokens.value()))
    operator = tokens.accept(*_COMPARATORS)
    if operator is None:
        raise tokens.unexpected()
    return Term(attribute, operator, (tokens.value(),))


def _attribute(tokens: Tokens) -> str:
    path = tokens.path()
    if len(path) > 1:
        raise tokens.invalid("KeyConditionExpressions cannot have conditions on nested attributes")
    return root(path)


def _key(attribute: Attribute, value: AttributeValue) -> Any:
    if attribute.type not in value:
        message = "One or more parameter values were invalid: Condition parameter type does not match schema type"
        raise InvalidRequestError(message)
    return sortable(value)


def _range(operator: str, keys: list[Any]) -> Range:
    match operator:
        case "=":
            return Range(keys[0], keys[0])
        case "<" | "<=":
            return Range(high=keys[0], strict=operator == "<")
        case ">" | ">=":
            return Range(low=keys[0], strict=operator == ">")
        case "BETWEEN":
            if keys[0] > keys[1]:
                message = "The BETWEEN operator requires upper bound to be greater than or equal to lower bound"
                raise InvalidRequestError(message)
            return Range(keys[0], keys[1])
        case _:
            return Range(keys[0], keys[0] + _LAST)
