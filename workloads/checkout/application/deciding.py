"""Optimistic concurrency: read, decide, commit; when another write came first, read and decide again."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final, TypeVar

from workloads.checkout.application.ports import ConcurrentWriteError, Ports

T = TypeVar("T")

ATTEMPTS: Final = 8
_FIRST_PAUSE: Final = 0.01
_LONGEST_PAUSE: Final = 0.25


class UndecidedError(RuntimeError):
    """Every attempt lost against another write. Nothing was written: the caller may simply try again."""

    def __init__(self, last: ConcurrentWriteError) -> None:
        super().__init__(f"gave up after {ATTEMPTS} attempts: {last}")


def decide(ports: Ports, attempt: Callable[[], T]) -> T:
    """Return what an attempt returns that no other write came before; raises UndecidedError.

    The pauses are drawn at random (full jitter), so that those who met once do not meet again.
    """
    longest = _FIRST_PAUSE
    for left in reversed(range(ATTEMPTS)):
        try:
            return attempt()
        except ConcurrentWriteError as error:
            if left == 0:
                raise UndecidedError(error) from error
            ports.sleep(random.uniform(0, longest))  # noqa: S311 - a pause needs no secret randomness
            longest = min(2 * longest, _LONGEST_PAUSE)
    raise AssertionError
