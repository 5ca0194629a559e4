"""Writes the JSON Schema (2020-12) of every message: `python -m workloads.contracts.generate_schemas`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from workloads.contracts.envelope import MESSAGES, CloudEvent, Message, encode, schema_name
from workloads.contracts.examples import ENVELOPE, EXAMPLES

FOLDER: Final = Path(__file__).parent / "schemas"


def schemas() -> dict[str, dict[str, Any]]:
    """Return the schemas by file name: the envelope's and one a message and version."""
    generated = {"CloudEvent.json": _schema_of(CloudEvent, "urn:meridian:schema:CloudEvent:1", [encode(ENVELOPE)])}
    for name, message in MESSAGES.items():
        examples = [msgspec.json.encode(example) for example in EXAMPLES if type(example) is message]
        generated[f"{name}.{message.VERSION}.json"] = _schema_of(message, schema_name(message), examples)
    return generated


def write() -> None:
    """Write every schema to its file."""
    for name, schema in schemas().items():
        (FOLDER / name).write_text(json.dumps(schema, indent=2) + "\n")


def _schema_of(message: type[Message | CloudEvent], identifier: str, examples: Sequence[bytes]) -> dict[str, Any]:
    """Return one self-contained schema; its examples are as they are on the bus."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": identifier,
        **msgspec.json.schema(message),
        "examples": [json.loads(example) for example in examples],
    }


if __name__ == "__main__":
    write()
