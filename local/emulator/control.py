"""Starts and stops the emulator's process."""

import http.client
import json
import subprocess
from typing import Final

from local.emulator.settings import EmulatorSettings
from local.errors import UserFacingError
from local.paths import ROOT
from local.processes import Child, environment, python, wait_until

_STARTUP_SECONDS: Final = 30.0


class EmulatorError(UserFacingError):
    """The emulator did not start."""


def start(settings: EmulatorSettings) -> Child:
    """Start the emulator; its standard output carries one JSON line a failed function."""
    settings.state_directory.mkdir(parents=True, exist_ok=True)
    return Child(
        "emulator",
        python("-m", "local.emulator.launcher", json.dumps(settings.to_argument())),
        environment=environment(PYTHONPATH=str(ROOT)),
        directory=settings.state_directory,
        log=settings.state_directory / "emulator.log",
        stdout=subprocess.PIPE,
        watches_parent=True,
    )


def wait_until_healthy(child: Child, settings: EmulatorSettings) -> None:
    """Return when the emulator answers."""

    def settled() -> bool:
        return child.process.poll() is not None or _request(settings, "GET", "/_ministack/health")

    if not wait_until(settled, seconds=_STARTUP_SECONDS) or child.process.poll() is not None:
        last = "\n".join(child.last_lines(10))
        message = f"the emulator did not start on port {settings.port}; its last lines:\n{last}"
        raise EmulatorError(message)


def stop(child: Child, settings: EmulatorSettings) -> None:
    """End the emulator and its workers: a reset first, because a signal alone leaves workers that are in flight.

    Then at once: it keeps nothing, and in order it would wait for executions and polls that nobody waits for any more.
    """
    if child.process.poll() is None:
        _request(settings, "POST", "/_ministack/reset", seconds=5.0)
    child.stop(patience=0.0)


def _request(settings: EmulatorSettings, method: str, path: str, *, seconds: float = 1.0) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", settings.port, timeout=seconds)
    try:
        connection.request(method, path)
        return connection.getresponse().status < 300
    except (TimeoutError, OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
