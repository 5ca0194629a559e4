"""How long an optimistic writer waits before it looks again: full jitter, so that losers of one race do not meet again.

https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final

ATTEMPTS: Final = 8
"""Tries before the message goes back to its queue, which tries again much later."""

_FIRST_PAUSE: Final = 0.02
"""Seconds: about the time of one contended transaction."""

Pause = Callable[[int], None]
"""Waits after the nth failed try, counted from 0."""


class ContentionError(RuntimeError):
    """Other writers were faster at every try."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: other writers were faster {ATTEMPTS} times; the message is to be tried again later")


def jitter(attempt: int) -> None:
    """Sleep a random part of a time that doubles with each try."""
    time.sleep(random.uniform(0, _FIRST_PAUSE * 2**attempt))  # noqa: S311 - spreads retries, protects nothing
