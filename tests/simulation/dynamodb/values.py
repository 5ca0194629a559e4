"""Attribute values in the wire format: how they compare, and what they weigh."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias

AttributeValue: TypeAlias = Mapping[str, Any]
Item: TypeAlias = dict[str, Any]
"""An item, never changed in place: a write makes a new one, so that what was read stays as it was."""

SET_TYPES: Final = frozenset({"SS", "NS", "BS"})
_ORDERED_TYPES: Final = frozenset({"S", "N", "B"})


class InvalidRequestError(Exception):
    """What DynamoDB answers with ValidationException: the request can never succeed as it is."""


def type_of(value: AttributeValue) -> str:
    """Return the type descriptor of a value."""
    for name in value:
        return name
    message = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
    raise InvalidRequestError(message)


def number(text: str) -> int | Decimal:
    """Return the number that a text on the wire stands for."""
    try:
        return int(text)
    except ValueError:
        return Decimal(text)


def write_number(value: int | Decimal) -> str:
    """Write a number without the zeros that say nothing, as DynamoDB does."""
    if isinstance(value, int):
        return str(value)
    if value == value.to_integral_value():
        return str(int(value))
    return format(value.normalize(), "f")


def equal(left: AttributeValue | None, right: AttributeValue | None) -> bool:  # noqa: PLR0911 - a type a branch
    """Tell whether two values are the same; a missing one is the same as no other."""
    if left is None or right is None:
        return left is right
    if left == right:
        return True
    kind = type_of(left)
    if kind != type_of(right):
        return False
    one, other = left[kind], right[kind]
    match kind:
        case "N":
            return number(one) == number(other)
        case "SS" | "BS":
            return frozenset(one) == frozenset(other)
        case "NS":
            return frozenset(map(number, one)) == frozenset(map(number, other))
        case "L":
            return len(one) == len(other) and all(map(equal, one, other))
        case "M":
            return one.keys() == other.keys() and all(equal(one[name], other[name]) for name in one)
        case _:
            return False


def order(left: AttributeValue | None, right: AttributeValue | None) -> int | None:
    """Return whether one value comes before (-1), with (0) or after (1) another; None where they do not compare."""
    if left is None or right is None:
        return None
    kind = type_of(left)
    if kind not in _ORDERED_TYPES or kind != type_of(right):
        return None
    one, other = sortable(left), sortable(right)
    return (one > other) - (one < other)


def sortable(value: AttributeValue) -> Any:
    """Return what orders keys of one type: DynamoDB orders texts by their UTF-8 bytes, which is by code points."""
    if "S" in value:
        return value["S"]
    if "N" in value:
        return number(value["N"])
    return value["B"]


def contains(container: AttributeValue | None, element: AttributeValue | None) -> bool:
    """Tell whether a text has a part, or a set or list an element."""
    if container is None or element is None:
        return False
    kind = type_of(container)
    inside = container[kind]
    if kind == "L":
        return any(equal(candidate, element) for candidate in inside)
    element_kind = type_of(element)
    if kind in {"S", "B"}:
        return element_kind == kind and element[kind] in inside
    if kind in SET_TYPES and element_kind == kind[0]:
        wanted = element[element_kind]
        return number(wanted) in map(number, inside) if kind == "NS" else wanted in inside
    return False


def size(value: AttributeValue) -> int | None:
    """Return what `size` of an attribute is; numbers and truth values have none."""
    kind = type_of(value)
    match kind:
        case "S":
            return len(value["S"].encode())
        case "N" | "BOOL" | "NULL":
            return None
        case _:
            return len(value[kind])


def weight(item: Mapping[str, AttributeValue]) -> int:
    """Return the bytes of an item, roughly as DynamoDB counts them (Developer Guide, Item sizes and formats)."""
    return sum(len(name.encode()) + _weight_of(value) for name, value in item.items())


def _weight_of(value: AttributeValue) -> int:  # noqa: PLR0911 - a type a branch
    kind = type_of(value)
    content = value[kind]
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return len(content) // 2 + 2
        case "B":
            return len(content)
        case "M":
            return 3 + weight(content) + len(content)
        case "L":
            return 3 + sum(map(_weight_of, content)) + len(content)
        case "SS" | "NS" | "BS":
            return sum(map(len, content))
        case _:
            return 1
