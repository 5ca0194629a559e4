"""Waiting for a condition instead of for a time, and doing many things a few at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from time import monotonic
from typing import Final, TypeVar

from local.demo.clients import EntryApi, Reply

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 2.0
"""Seconds. Each look costs the processors that do the work which is waited for."""

T = TypeVar("T")


class Deadline:
    """The moment after which nothing more is waited for. What has not come by then is a difference, not an error."""

    def __init__(self, seconds: float) -> None:
        self._at = monotonic() + seconds

    def passed(self) -> bool:
        """Tell whether it is too late."""
        return monotonic() >= self._at


async def until(look: Callable[[], Awaitable[T]], accepted: Callable[[T], bool], deadline: Deadline) -> T:
    """Look again and again, ever more slowly, and return what was seen when it was accepted or time was up."""
    pause = FIRST_PAUSE
    seen = await look()
    while not accepted(seen) and not deadline.passed():
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
        seen = await look()
    return seen


async def read_until(
    api: EntryApi, operation: str, path: str, token: str, *, accepted: Callable[[Reply], bool], deadline: Deadline
) -> Reply:
    """Read what a path names until the answer is accepted or time is up; return the last answer."""

    async def look() -> Reply:
        return await api.read(operation, path, token)

    return await until(look, accepted, deadline)


async def for_each(items: Iterable[T], work: Callable[[T], Awaitable[None]], *, workers: int) -> None:
    """Do the work for all items in their order, so many at a time; the first error ends it all."""
    remaining = iter(items)

    async def worker() -> None:
        for item in remaining:
            await work(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(worker())
