"""Condition, filter and key condition expressions, parsed once and kept (Developer Guide, Condition expressions)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from tests.simulation.dynamodb import values as v
from tests.simulation.dynamodb.grammar import Names, Path, Tokens, Values, read
from tests.simulation.dynamodb.values import AttributeValue, InvalidRequestError, Item

Test: TypeAlias = Callable[[Item, Names, Values], bool]
Operand: TypeAlias = Callable[[Item, Names, Values], AttributeValue | None]

_COMPARATORS: Final = ("=", "<>", "<", "<=", ">", ">=")
_FUNCTIONS: Final = ("attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains")


class Condition(NamedTuple):
    """What an expression asks of an item, and the placeholders that it needs."""

    holds: Test
    names: frozenset[str]
    values: frozenset[str]


@lru_cache(maxsize=4096)
def parse_condition(expression: str, kind: str = "ConditionExpression") -> Condition:
    """Parse a condition; raises InvalidRequestError."""
    tokens = Tokens(kind, expression)
    test = _either(tokens)
    tokens.end()
    return Condition(test, frozenset(tokens.names), frozenset(tokens.values))


def parse_operand(tokens: Tokens) -> Operand:
    """Parse a value, a path or the size of what is there."""
    if tokens.function("size"):
        path = tokens.path()
        tokens.expect(")")
        return _size(path)
    if tokens.kind == "value":
        name = tokens.value()
        return lambda _item, _names, values: values[name]
    return attribute(tokens.path())


def attribute(path: Path) -> Operand:
    """Return what reads an attribute."""
    if len(path) == 1 and isinstance(path[0], str):
        part = path[0]
        if part[0] == "#":
            return lambda item, names, _values: item.get(names[part])
        return lambda item, _names, _values: item.get(part)
    return lambda item, names, _values: read(item, path, names)


def _either(tokens: Tokens) -> Test:
    tests = [_both(tokens)]
    while tokens.accept("OR"):
        tests.append(_both(tokens))
    if len(tests) == 1:
        return tests[0]
    return lambda item, names, values: any(test(item, names, values) for test in tests)


def _both(tokens: Tokens) -> Test:
    tests = [_negated(tokens)]
    while tokens.accept("AND"):
        tests.append(_negated(tokens))
    if len(tests) == 1:
        return tests[0]
    return lambda item, names, values: all(test(item, names, values) for test in tests)


def _negated(tokens: Tokens) -> Test:
    if tokens.accept("NOT"):
        test = _negated(tokens)
        return lambda item, names, values: not test(item, names, values)
    if tokens.accept("("):
        test = _either(tokens)
        tokens.expect(")")
        return test
    function = tokens.function(*_FUNCTIONS)
    return _call(tokens, function) if function else _comparison(tokens)


def _call(tokens: Tokens, function: str) -> Test:
    subject = attribute(tokens.path())
    if function == "attribute_exists":
        test: Test = lambda item, names, values: subject(item, names, values) is not None  # noqa: E731 - one of five
    elif function == "attribute_not_exists":
        test = lambda item, names, values: subject(item, names, values) is None  # noqa: E731
    else:
        tokens.expect(",")
        test = _call_with(function, subject, parse_operand(tokens))
    tokens.expect(")")
    return test


def _call_with(function: str, subject: Operand, operand: Operand) -> Test:
    def begins(item: Item, names: Names, values: Values) -> bool:
        found, prefix = subject(item, names, values), operand(item, names, values)
        if found is None or prefix is None:
            return False
        kind = v.type_of(prefix)
        if kind not in {"S", "B"}:
            message = (
                f"Incorrect operand type for operator or function; operator or function: begins_with, type: {kind}"
            )
            raise InvalidRequestError(message)
        return kind in found and found[kind].startswith(prefix[kind])

    def holds(item: Item, names: Names, values: Values) -> bool:
        return v.contains(subject(item, names, values), operand(item, names, values))

    def is_of_type(item: Item, names: Names, values: Values) -> bool:
        found, kind = subject(item, names, values), operand(item, names, values)
        return found is not None and kind is not None and v.type_of(found) == kind["S"]

    return {"begins_with": begins, "contains": holds, "attribute_type": is_of_type}[function]


def _comparison(tokens: Tokens) -> Test:
    left = parse_operand(tokens)
    if tokens.accept("BETWEEN"):
        low = parse_operand(tokens)
        tokens.expect("AND")
        return _between(left, low, parse_operand(tokens))
    if tokens.accept("IN"):
        tokens.expect("(")
        candidates = [parse_operand(tokens)]
        while tokens.accept(","):
            candidates.append(parse_operand(tokens))
        tokens.expect(")")
        return _within(left, candidates)
    comparator = tokens.accept(*_COMPARATORS)
    if comparator is None:
        raise tokens.unexpected()
    return _compare(comparator, left, parse_operand(tokens))


def _compare(comparator: str, left: Operand, right: Operand) -> Test:
    if comparator == "=":
        return lambda item, names, values: _same(left(item, names, values), right(item, names, values))
    if comparator == "<>":
        # A missing attribute differs from every value.
        return lambda item, names, values: not _same(left(item, names, values), right(item, names, values))
    wanted = {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (1, 0)}[comparator]
    return lambda item, names, values: v.order(left(item, names, values), right(item, names, values)) in wanted


def _same(left: AttributeValue | None, right: AttributeValue | None) -> bool:
    return left is not None and right is not None and v.equal(left, right)


def _between(subject: Operand, low: Operand, high: Operand) -> Test:
    def test(item: Item, names: Names, values: Values) -> bool:
        found = subject(item, names, values)
        lower, upper = low(item, names, values), high(item, names, values)
        if v.order(lower, upper) == 1:
            message = "The BETWEEN operator requires upper bound to be greater than or equal to lower bound"
            raise InvalidRequestError(message)
        return v.order(found, lower) in {0, 1} and v.order(found, upper) in {-1, 0}

    return test


def _within(subject: Operand, candidates: list[Operand]) -> Test:
    def test(item: Item, names: Names, values: Values) -> bool:
        found = subject(item, names, values)
        return any(_same(found, candidate(item, names, values)) for candidate in candidates)

    return test


def _size(path: Path) -> Operand:
    def measure(item: Item, names: Names, _values: Values) -> AttributeValue | None:
        found = read(item, path, names)
        length = None if found is None else v.size(found)
        return None if length is None else {"N": str(length)}

    return measure
