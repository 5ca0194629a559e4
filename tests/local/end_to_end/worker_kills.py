"""Ends the processes of a laptop's functions by SIGKILL while they work."""

from __future__ import annotations

import itertools
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Final

import psutil

PAUSE_SECONDS: Final = (0.1, 0.6)
"""Between two kills."""
_BUSY_WITHIN_SECONDS: Final = 2.0
_LOOK_SECONDS: Final = 0.02


def processes_with(argument: str) -> list[psutil.Process]:
    """Return the processes under this one that were started with an argument."""
    found: list[psutil.Process] = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if argument in process.cmdline():
                found.append(process)
    return found


def kill_while_busy(
    handlers: Sequence[str], *, enough: Callable[[Counter[str]], bool], rng: random.Random
) -> Counter[str]:
    """Kill one worker after the other, each as it computes, until it is enough; return how many of each handler."""
    killed: Counter[str] = Counter()
    turns = _in_turn(handlers, rng)
    while not enough(killed):
        time.sleep(rng.uniform(*PAUSE_SECONDS))
        # A handler that has nothing to do just now has its turn later.
        handler = next(turns)
        killed[handler] += _kill_one_of(handler, rng)
    return killed


def _in_turn(handlers: Sequence[str], rng: random.Random) -> Iterator[str]:
    return itertools.chain.from_iterable(rng.sample(handlers, len(handlers)) for _ in itertools.count())


def _kill_one_of(handler: str, rng: random.Random) -> bool:
    deadline = time.monotonic() + _BUSY_WITHIN_SECONDS
    seen: dict[psutil.Process, float] = {}
    while time.monotonic() < deadline:
        used = {process: seconds for process in processes_with(handler) if (seconds := _cpu_seconds(process))}
        busy = [process for process, seconds in used.items() if seconds > seen.get(process, seconds)]
        if busy and _kill(rng.choice(busy)):
            return True
        seen = used
        time.sleep(_LOOK_SECONDS)
    return False


def _cpu_seconds(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return times.user + times.system
    return 0.0


def _kill(process: psutil.Process) -> bool:
    """Kill a process that runs, and wait until it does not; return whether it did."""
    try:
        running = process.status() != psutil.STATUS_ZOMBIE
        process.send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return False
    gone, _ = psutil.wait_procs([process], timeout=5)
    return running and bool(gone)
