"""Update expressions, parsed once and kept (Developer Guide, Update expressions)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, TypeAlias

from tests.simulation.dynamodb import values as v
from tests.simulation.dynamodb.conditions import Operand, attribute, parse_operand
from tests.simulation.dynamodb.grammar import Names, Path, Tokens, Values, read, resolve, root
from tests.simulation.dynamodb.values import AttributeValue, InvalidRequestError, Item

Assign: TypeAlias = Callable[[Item, Names, Values], AttributeValue | None]
"""Returns what a path is to hold; None where it is to be removed."""

_CLAUSES: Final = ("SET", "REMOVE", "ADD", "DELETE")
_INCORRECT_TYPE: Final = "An operand in the update expression has an incorrect data type"
_NO_SUCH_PATH: Final = "The document path provided in the update expression is invalid for update"


class Update:
    """What an expression does to an item, and the placeholders that it needs."""

    def __init__(self, tokens: Tokens, actions: list[tuple[Path, Assign]]) -> None:
        self.names = frozenset(tokens.names)
        self.values = frozenset(tokens.values)
        self._actions = actions
        self._checked: set[tuple[str, ...]] = set()

    def paths(self, names: Names) -> list[Path]:
        """Return what is changed; raises InvalidRequestError where two of the paths overlap."""
        paths = [resolve(path, names) for path, _ in self._actions]
        for position, one in enumerate(paths):
            for other in paths[position + 1 :]:
                shorter = min(len(one), len(other))
                if one[:shorter] == other[:shorter]:
                    message = (
                        "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite "
                        f"one of these paths; path one: {list(one)}, path two: {list(other)}"
                    )
                    raise InvalidRequestError(message)
        return paths

    def applied(self, item: Item, names: Names, values: Values, *, keys: frozenset[str]) -> Item:
        """Return the item as the update leaves it: every operand is read from the item as it was before."""
        checked = tuple(names[name] for name in sorted(self.names))
        if checked not in self._checked:
            for path in self.paths(names):
                if root(path) in keys:
                    message = (
                        "One or more parameter values were invalid: "
                        f"Cannot update attribute {root(path)}. This attribute is part of the key"
                    )
                    raise InvalidRequestError(message)
            self._checked.add(checked)
        after = dict(item)
        changes = [(resolve(path, names), assign(item, names, values)) for path, assign in self._actions]
        # Removals from a list shift what is behind them: the last ones first.
        for path, value in sorted(changes, key=_by_position_backwards) if len(changes) > 1 else changes:
            if len(path) > 1:
                _write_inside(after, path, value)
            elif value is None:
                after.pop(root(path), None)
            else:
                after[root(path)] = value
        return after


@lru_cache(maxsize=4096)
def parse_update(expression: str) -> Update:
    """Parse an update; raises InvalidRequestError."""
    tokens = Tokens("UpdateExpression", expression)
    actions: list[tuple[Path, Assign]] = []
    seen: set[str] = set()
    while clause := tokens.accept(*_CLAUSES):
        if clause in seen:
            raise tokens.invalid(f'The "{clause}" section can only be used once in an update expression;')
        seen.add(clause)
        actions.append(_action(clause, tokens))
        while tokens.accept(","):
            actions.append(_action(clause, tokens))
    tokens.end()
    return Update(tokens, actions)


def _by_position_backwards(change: tuple[Path, AttributeValue | None]) -> tuple[int, ...]:
    path, value = change
    return tuple(-part for part in path if isinstance(part, int)) if value is None else ()


def _action(clause: str, tokens: Tokens) -> tuple[Path, Assign]:
    path = tokens.path()
    match clause:
        case "SET":
            tokens.expect("=")
            return path, _value(tokens)
        case "REMOVE":
            return path, lambda _item, _names, _values: None
        case "ADD":
            return path, _added(path, tokens.value())
        case _:
            return path, _taken_out(path, tokens.value())


def _value(tokens: Tokens) -> Assign:
    left = _set_operand(tokens)
    sign = tokens.accept("+", "-")
    if sign is None:
        return _present(left)
    right = _set_operand(tokens)
    factor = 1 if sign == "+" else -1

    def calculated(item: Item, names: Names, values: Values) -> AttributeValue:
        one, other = _present(left)(item, names, values), _present(right)(item, names, values)
        if "N" not in one or "N" not in other:
            raise InvalidRequestError(_INCORRECT_TYPE)
        return {"N": v.write_number(v.number(one["N"]) + factor * v.number(other["N"]))}

    return calculated


def _set_operand(tokens: Tokens) -> Operand:
    if tokens.function("if_not_exists"):
        path = attribute(tokens.path())
        tokens.expect(",")
        otherwise = _set_operand(tokens)
        tokens.expect(")")

        def present_or(item: Item, names: Names, values: Values) -> AttributeValue | None:
            found = path(item, names, values)
            return otherwise(item, names, values) if found is None else found

        return present_or
    if tokens.function("list_append"):
        first = _set_operand(tokens)
        tokens.expect(",")
        second = _set_operand(tokens)
        tokens.expect(")")

        def joined(item: Item, names: Names, values: Values) -> AttributeValue:
            one, other = _present(first)(item, names, values), _present(second)(item, names, values)
            if "L" not in one or "L" not in other:
                raise InvalidRequestError(_INCORRECT_TYPE)
            return {"L": [*one["L"], *other["L"]]}

        return joined
    return parse_operand(tokens)


def _present(operand: Operand) -> Callable[[Item, Names, Values], AttributeValue]:
    def value(item: Item, names: Names, values: Values) -> AttributeValue:
        found = operand(item, names, values)
        if found is None:
            message = "The provided expression refers to an attribute that does not exist in the item"
            raise InvalidRequestError(message)
        return found

    return value


def _added(path: Path, name: str) -> Assign:
    def value(item: Item, names: Names, values: Values) -> AttributeValue:
        before, difference = read(item, path, names), values[name]
        kind = v.type_of(difference)
        if kind == "N":
            if before is not None and "N" not in before:
                raise InvalidRequestError(_INCORRECT_TYPE)
            start = v.number(before["N"]) if before is not None else 0
            return {"N": v.write_number(start + v.number(difference["N"]))}
        if kind not in v.SET_TYPES or (before is not None and kind not in before):
            raise InvalidRequestError(_INCORRECT_TYPE)
        return {kind: sorted({*(before or {kind: []})[kind], *difference[kind]})}

    return value


def _taken_out(path: Path, name: str) -> Assign:
    def value(item: Item, names: Names, values: Values) -> AttributeValue | None:
        before, elements = read(item, path, names), values[name]
        kind = v.type_of(elements)
        if kind not in v.SET_TYPES or (before is not None and kind not in before):
            raise InvalidRequestError(_INCORRECT_TYPE)
        left = sorted({*(before or {kind: []})[kind]} - {*elements[kind]})
        return {kind: left} if left else None

    return value


def _write_inside(after: Item, path: Path, value: AttributeValue | None) -> None:
    """Write into a nested document, copying what is on the way, because items are never changed in place."""
    container: Any = after
    for part, following in pairwise(path):
        kind = "L" if isinstance(following, int) else "M"
        missing = isinstance(part, int) and part >= len(container)
        found = None if missing else (container[part] if isinstance(part, int) else container.get(part))
        if found is None or kind not in found:
            raise InvalidRequestError(_NO_SUCH_PATH)
        inside = list(found[kind]) if kind == "L" else dict(found[kind])
        container[part] = {kind: inside}
        container = inside
    last = path[-1]
    if value is None:
        if not isinstance(last, int):
            container.pop(last, None)
        elif last < len(container):
            del container[last]
    elif isinstance(last, int) and last >= len(container):
        container.append(value)
    else:
        container[last] = value
