"""Writes the JSON Schema (2020-12) of every message: `python -m workloads.contracts.generate_schemas`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import msgspec

from workloads.contracts.envelope import MESSAGES, CloudEvent, Message, schema_name

FOLDER: Final = Path(__file__).parent / "schemas"


def schemas() -> dict[str, dict[str, Any]]:
    """Return the schemas by file name: the envelope's and one a message and version."""
    generated = {"CloudEvent.json": _schema_of(CloudEvent, "urn:meridian:schema:CloudEvent:1")}
    for name, message in MESSAGES.items():
        generated[f"{name}.{message.VERSION}.json"] = _schema_of(message, schema_name(message))
    return generated


def write() -> None:
    """Write every schema to its file."""
    for name, schema in schemas().items():
        (FOLDER / name).write_text(json.dumps(schema, indent=2) + "\n")


def _schema_of(message: type[Message | CloudEvent], identifier: str) -> dict[str, Any]:
    """Return one self-contained schema."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": identifier,
        **msgspec.json.schema(message),
    }


if __name__ == "__main__":
    write()
