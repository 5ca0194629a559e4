"""A file whose age tells that the projector's loop still turns."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

MAXIMUM_AGE: Final = 90.0
"""Seconds: a long poll (20) and the slowest batch that is not stuck (each call of it ends within 15, retries included).
"""


class Heartbeat:
    """Touches the file, and says how long ago that was."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def of_environment(cls) -> Heartbeat:
        """Return the heartbeat at HEARTBEAT_FILE; /tmp is the one place that a task with a read-only root can write."""
        return cls(Path(os.environ.get("HEARTBEAT_FILE", "/tmp/projector-heartbeat")))  # noqa: S108 - see above

    def beat(self) -> None:
        """Say that the loop turns."""
        self._path.touch()

    def age(self) -> float | None:
        """Return the seconds since the last beat; None before the first."""
        try:
            return time.time() - self._path.stat().st_mtime
        except FileNotFoundError:
            return None
