"""Holds what the embedded AWS does not: resources that exist only as a declaration, one file each.

Without it nothing could refuse a second network of a name, find one that is gone, or show that a destroyed environment
left nothing.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """A declared resource."""

    type: str
    id: str
    region: str
    inputs: Mapping[str, Any]


class Ledger:
    """A folder that plugins of several stacks may use at the same time: a file is written once and in one step."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def add(self, entry: Entry) -> bool:
        """Add a resource; tells whether its id was free."""
        try:
            with self._file(entry.type, entry.region, entry.id).open("x", encoding="utf-8") as file:
                file.write(_text(entry))
        except FileExistsError:
            return False
        return True

    def put(self, entry: Entry) -> None:
        """Write the newer state of a resource."""
        file = self._file(entry.type, entry.region, entry.id)
        partial = file.with_suffix(".partial")
        partial.write_text(_text(entry), encoding="utf-8")
        partial.replace(file)

    def get(self, type_: str, region: str, id_: str) -> Entry | None:
        """Return a resource; None if it is gone."""
        try:
            return Entry(**json.loads(self._file(type_, region, id_).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    def remove(self, type_: str, region: str, id_: str) -> None:
        """Forget a resource; that it is gone already is no error."""
        self._file(type_, region, id_).unlink(missing_ok=True)

    def entries(self) -> list[Entry]:
        """Return everything that is held."""
        files = sorted(self._directory.glob("*.json"))
        return [Entry(**json.loads(file.read_text(encoding="utf-8"))) for file in files]

    def _file(self, type_: str, region: str, id_: str) -> Path:
        return self._directory / f"{hashlib.sha256(f'{type_} {region} {id_}'.encode()).hexdigest()[:32]}.json"


def _text(entry: Entry) -> str:
    known = {"type": entry.type, "id": entry.id, "region": entry.region, "inputs": dict(entry.inputs)}
    return json.dumps(known, sort_keys=True)
