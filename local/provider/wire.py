"""Properties as the engine sends them, and back: a protobuf Struct, whose numbers are all floats."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct


def properties(struct: Struct) -> dict[str, Any]:
    """Return the properties that have a value; whole numbers are integers again."""
    return {key: _plain(value) for key, value in MessageToDict(struct).items() if value is not None}


def struct(known: Mapping[str, Any]) -> Struct:
    """Return what the engine reads; times become texts, bytes are no property of any resource here."""
    return ParseDict(_plain(dict(known)), Struct())


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case float() if value.is_integer():
            return int(value)
        case datetime():
            return value.isoformat()
        case _:
            return value
