"""Child processes that never outlive the process that started them."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

_PR_SET_PDEATHSIG: Final = 1
_libc = ctypes.CDLL(None, use_errno=True)


class Child:
    """A child in a session of its own: Ctrl-C reaches only the parent, which then ends its children in order.

    The kernel ends the child when its parent dies in any way, SIGKILL included; unless the child watches its parent
    itself, because it has to clean up then. Start it from the main thread: the kernel takes the end of the starting
    thread for the end of the parent.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        log: Path,
        directory: Path | None = None,
        stdout: int | None = None,
        watches_parent: bool = False,
    ) -> None:
        self.name = name
        self.log = log
        parent = os.getpid()
        with log.open("ab") as output:
            self.process: subprocess.Popen[str] = subprocess.Popen(
                list(command),
                env=dict(environment),
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=stdout if stdout is not None else output,
                stderr=output,
                text=True,
                start_new_session=True,
                preexec_fn=None if watches_parent else lambda: die_with(parent),  # noqa: PLW1509 - started before any thread exists
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    @property
    def lines(self) -> IO[str]:
        """The child's standard output, if it was piped."""
        if self.process.stdout is None:
            message = f"{self.name} was started without a pipe"
            raise ValueError(message)
        return self.process.stdout

    def last_lines(self, count: int = 25) -> list[str]:
        """Return the end of the log."""
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]

    def stop(self, *, patience: float = 5.0) -> None:
        """End the child and whatever it started: politely, then not."""
        if self.process.poll() is None:
            self._signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(patience)
        # The session may hold grandchildren (workers) though its leader has ended.
        self._signal(signal.SIGKILL)
        self.process.wait()

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


def die_with(parent: int) -> None:
    """Ask the kernel to end this process when its parent ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before that was asked
        os._exit(1)


def python(*arguments: str) -> list[str]:
    """Return the command that runs this interpreter without buffering."""
    return [sys.executable, "-u", *arguments]


def environment(**changes: str) -> dict[str, str]:
    """Return this process's environment for a Python child: byte code may be kept, it is started often."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **changes}


def wait_until(condition: Callable[[], bool], *, seconds: float, pause: float = 0.02) -> bool:
    """Wait for a condition; tells whether it came true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
