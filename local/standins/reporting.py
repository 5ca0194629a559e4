"""What the stand-ins tell the supervisor: one JSON object a line on standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, TextIO

MOST_LINES: Final = 20


class Report(Protocol):
    """Where a stand-in says that something it runs has failed."""

    def failure(self, name: str, lines: Sequence[str]) -> None:
        """Name what failed, with its last lines."""
        ...


class JsonLinesReport:
    """Writes reports to a stream, standard output unless told."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout

    def failure(self, name: str, lines: Sequence[str]) -> None:
        """Write {"failure": {"name", "lines"}}."""
        self._write({"failure": {"name": name, "lines": list(lines)[-MOST_LINES:]}})

    def ready(self, gateways: Mapping[str, str]) -> None:
        """Write {"ready": true, "gateways": {Region: URL}}."""
        self._write({"ready": True, "gateways": dict(gateways)})

    def _write(self, line: Mapping[str, Any]) -> None:
        self._stream.write(json.dumps(line) + "\n")
        self._stream.flush()
