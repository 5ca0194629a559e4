"""DynamoDB's attribute values: plain Python in, wire format out, and back. Numbers are integers here, always."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_READ: Final = frozenset({"S", "N", "L", "M"})

Plain = str | int | Mapping[str, "Plain"] | list["Plain"]
"""What an attribute can hold here."""


def write_value(value: Plain) -> AttributeValueTypeDef:
    """Write one value."""
    match value:
        case str():
            return {"S": value}
        case int():
            return {"N": str(value)}
        case list():
            return {"L": [write_value(element) for element in value]}
        case Mapping():
            return {"M": write_item(value)}


def write_item(item: Mapping[str, Plain | None]) -> dict[str, AttributeValueTypeDef]:
    """Write an item; an attribute that is None is left out."""
    return {name: write_value(value) for name, value in item.items() if value is not None}


def read_value(value: Mapping[str, Any]) -> Any:
    """Read one value; raises ValueError for a type that nothing here writes."""
    # Ordered by how often they come: this is most of what reading an item costs.
    if "S" in value:
        return value["S"]
    if "N" in value:
        return int(value["N"])
    if "L" in value:
        return [read_value(element) for element in value["L"]]
    if "M" in value:
        return read_item(value["M"])
    message = f"an attribute of type {', '.join(value)} is none that checkout writes"
    raise ValueError(message)


def read_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Read an item, leaving out attributes of types that a later version may have added."""
    return {name: read_value(value) for name, value in item.items() if not _READ.isdisjoint(value)}
