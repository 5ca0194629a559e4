"""What the real engine leaves behind is ended with it."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from local.engine import guard

WAITING = [sys.executable, "-c", "import signal; signal.pause()"]


def test_what_ended_by_itself_keeps_nothing_else_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(WAITING) as first:
        gone = psutil.Process(first.pid)
        first.kill()
    waiting = psutil.Process(subprocess.Popen(WAITING).pid)
    families = [[gone, waiting], list[psutil.Process]()]

    def children(_self: psutil.Process, **_: object) -> list[psutil.Process]:
        return families.pop(0)

    monkeypatch.setattr(psutil.Process, "children", children)

    guard._end_family()  # pyright: ignore[reportPrivateUsage] - the race can not be met on purpose

    assert not waiting.is_running()
