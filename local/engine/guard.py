"""Runs a command and ends all that it leaves: `python -m local.engine.guard COMMAND…`.

The engine puts its plugins, the program and the policy pack into process groups of their own, and where it is killed,
some of them wait for ever. This process adopts them, and ends them with the command or with its own parent.
"""

import ctypes
import os
import signal
import subprocess
import sys
from contextlib import suppress
from types import FrameType
from typing import Final, NoReturn

import psutil

from local.processes import die_with

_PR_SET_CHILD_SUBREAPER: Final = 36
_PARENT_CHECK_SECONDS: Final = 0.05


def main(command: list[str]) -> int:
    """Return the command's exit code, as a shell would."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGTERM, _end)
    parent, own = os.getppid(), os.getpid()
    child = subprocess.Popen(command, preexec_fn=lambda: die_with(own))  # noqa: PLW1509 - no thread exists
    while True:
        try:
            code = child.wait(_PARENT_CHECK_SECONDS)
        except subprocess.TimeoutExpired:
            if os.getppid() != parent:
                _end()
        else:
            _end_family()
            return code if code >= 0 else 128 - code


def _end(number: int = signal.SIGTERM, frame: FrameType | None = None) -> NoReturn:
    del frame
    _end_family()
    os._exit(128 + number)


def _end_family() -> None:
    # Again until nobody is left: what ends hands its own children over to this process.
    while family := psutil.Process().children(recursive=True):
        for process in family:
            with suppress(psutil.NoSuchProcess):  # it followed its parent by itself
                process.kill()
        psutil.wait_procs(family, timeout=5)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
