"""Starts functions' execution environments as forks of one process that has loaded what all of them load.

Each would otherwise read and keep the SDK and the runtime interface client for itself: a third of a second and thirty
megabytes, thirty times. No code of a workload is loaded before the fork: a new environment runs the code of now.

`python -m local.emulator.spawner SOCKET`; takes requests on that socket, one JSON line with two file descriptors each,
and ends with its other side.
"""

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import FrameType
from typing import IO, Any, Final, NoReturn

from setproctitle import setproctitle

from local.processes import die_with, environment, python
from local.sdk import speak_directly

_SHARED: Final = (
    "botocore.client",
    "botocore.httpsession",
    "botocore.parsers",
    "botocore.retries.standard",
    "botocore.session",
    "concurrent.futures.thread",
    "msgspec",
    "simplejson",
    "uuid",
)
"""What is loaded before the fork. Not the runtime interface client: as it is loaded, it reads where its Lambda is."""
_REQUEST_BYTES: Final = 1 << 20
_NUMBER: Final = struct.Struct("i")
_HIGHEST_DESCRIPTOR: Final = 4096


class SpawnerEndedError(OSError):
    """The process that forks is gone."""


class Spawner:
    """The process, as the emulator sees it. Make it in the main thread: it ends with the thread that started it."""

    def __init__(self) -> None:
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket = here
        self._one_at_a_time = threading.Lock()
        parent = os.getpid()
        with there:
            self._process = subprocess.Popen(
                python("-m", "local.emulator.spawner", str(there.fileno())),
                env=environment(),
                pass_fds=[there.fileno()],
                stdin=subprocess.DEVNULL,
                preexec_fn=lambda: die_with(parent),  # noqa: PLW1509 - started before any thread exists
            )

    def close(self) -> None:
        """End it, and with it all that it has forked."""
        self._socket.close()
        self._process.wait()

    def spawn(self, arguments: Sequence[str], *, directory: str, variables: Mapping[str, str]) -> "Environment":
        """Fork an environment; raises SpawnerEndedError."""
        output, written = os.pipe()
        result, told = os.pipe()
        request = {"arguments": list(arguments), "directory": directory, "variables": dict(variables)}
        try:
            with self._one_at_a_time:
                socket.send_fds(self._socket, [json.dumps(request).encode()], [written, told])
            os.close(told)
            return Environment(output, result)
        except OSError as error:
            message = f"no execution environment can be started any more: {error}"
            raise SpawnerEndedError(message) from error
        finally:
            os.close(written)


class Environment:
    """A forked process, with what the emulator uses of `subprocess.Popen`."""

    def __init__(self, output: int, result: int) -> None:
        self.stdout: IO[bytes] = os.fdopen(output, "rb", buffering=0)
        self.returncode: int | None = None
        self._result = os.fdopen(result, "rb", buffering=0)
        self._reading = threading.Lock()
        self.pid = _NUMBER.unpack(self._result.read(_NUMBER.size))[0]

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal, or None while it runs."""
        with self._reading:
            if self.returncode is None and self._is_told(0):
                # Nothing more to read: the spawner died, and the kernel ended what it had forked.
                told = self._result.read(_NUMBER.size) or _NUMBER.pack(-signal.SIGKILL)
                self.returncode = _NUMBER.unpack(told)[0]
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code; raises subprocess.TimeoutExpired."""
        self._is_told(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
        return code

    def _is_told(self, seconds: float | None) -> bool:
        readable = select.poll()
        readable.register(self._result, select.POLLIN)
        return bool(readable.poll(None if seconds is None else 1000 * seconds))

    def terminate(self) -> None:
        """Ask it to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


class _Parent:
    """What the spawner's own process does."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._told: dict[int, int] = {}

    def serve(self) -> None:
        """Fork for each request until nobody can ask any more."""
        signal.signal(signal.SIGCHLD, self._reap)
        while True:
            data, descriptors, *_ = socket.recv_fds(self._requests, _REQUEST_BYTES, 2)
            if not data:
                return
            output, told = descriptors
            # Until its place is noted, no child may be reaped.
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
            own = os.getpid()
            child = os.fork()
            if child == 0:
                die_with(own)
                _become(json.loads(data), output)
            os.close(output)
            os.write(told, _NUMBER.pack(child))
            self._told[child] = told
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])

    def _reap(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                child, status = ended
                told = self._told.pop(child)
                with suppress(BrokenPipeError):
                    os.write(told, _NUMBER.pack(os.waitstatus_to_exitcode(status)))
                os.close(told)


def _become(request: Mapping[str, Any], output: int) -> NoReturn:
    """Turn a fresh fork into what `python -m` with these arguments would have been in that directory."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, standard in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(descriptor, standard)
    os.closerange(3, _HIGHEST_DESCRIPTOR)
    # Written over the environment that the process was started with: first.
    setproctitle(" ".join(python("-m", *request["arguments"])))
    os.environ.clear()
    os.environ.update(request["variables"])
    os.chdir(request["directory"])
    sys.path[:1] = [request["directory"], *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    sys.argv = request["arguments"]
    code = 1
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter does with what nobody caught
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Not the clean-up of the process that it was forked from.
        os._exit(code)


def main(descriptor: int) -> None:
    """Load what is shared, then fork until the emulator ends."""
    speak_directly()
    for name in _SHARED:
        importlib.import_module(name)
    # What is shared stays shared as long as nobody writes to it, and the collector would.
    gc.collect()
    gc.freeze()
    _Parent(socket.socket(fileno=descriptor)).serve()


if __name__ == "__main__":
    main(int(sys.argv[1]))
