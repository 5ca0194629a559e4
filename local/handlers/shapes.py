"""Turns Pulumi's camelCase inputs into the parameters of an AWS operation, guided by botocore's shapes."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

Names = Mapping[str, str]


def parameters(shape: StructureShape, inputs: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """Return the members of `shape` that `inputs` has.

    A member matches the property of the same letters in any case, singular or plural; `names` gives the property where
    it is called otherwise. Properties that no member takes are left out: an operation sets only what it can set.
    """
    by_letters = {letters(key): key for key in inputs}
    found: dict[str, Any] = {}
    for member, member_shape in shape.members.items():
        key = names.get(member) or by_letters.get(letters(member))
        value = inputs.get(key) if key else None
        if value is not None:
            found[member] = _value(member_shape, value, names)
    return found


def _value(shape: Shape, value: Any, names: Names) -> Any:
    match shape:
        case StructureShape():
            return parameters(shape, value[0] if isinstance(value, list) else value, names)
        case ListShape() if isinstance(value, dict) and isinstance(shape.member, StructureShape):
            pair = _pair(shape.member)
            if pair:
                return [{pair[0]: key, pair[1]: str(item)} for key, item in value.items()]
            return [_value(shape.member, value, names)]
        case ListShape():
            items = value if isinstance(value, list) else [value]
            return [_value(shape.member, item, names) for item in items]
        case MapShape():
            return {str(key): _value(shape.value, item, names) for key, item in value.items()}
        case _:
            return _scalar(shape, value)


def _scalar(shape: Shape, value: Any) -> Any:  # noqa: PLR0911 - one line a type
    match shape.type_name:
        case "string" if isinstance(value, bool):
            return str(value).lower()
        case "string" if isinstance(value, dict | list):
            return json.dumps(value)
        case "string":
            return str(value)
        case "integer" | "long":
            return int(value)
        case "float" | "double":
            return float(value)
        case "boolean" if isinstance(value, str):
            return value.lower() == "true"
        case _:
            return value


def _pair(shape: StructureShape) -> tuple[str, str] | None:
    """Return the two members of a tag or a dimension, whose names differ from service to service."""
    members = {member.lower().removeprefix("tag"): member for member in shape.members}
    for name in ("key", "name"):
        if set(members) == {name, "value"}:
            return members[name], members["value"]
    return None


def letters(name: str) -> str:
    """Return what a name of the API and one of Pulumi have in common: the letters, in any case and number."""
    return "".join(letter for letter in name.lower() if letter.isalnum()).removesuffix("s")
