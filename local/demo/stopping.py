"""Runs the demo's tasks so that a signal ends them in order."""

import asyncio
import signal
from collections.abc import Coroutine
from types import FrameType
from typing import Any, TypeVar

import uvloop

from local.stopping import StopRequested, handled_by

T = TypeVar("T")


def run_until_stopped(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end; a signal cancels it, and StopRequested is raised when all its tasks have ended.

    A handler that raised would do so in whatever the loop is at: uvloop takes it for the failure of a connection where
    that is a protocol's callback, and prints it and goes on where it is a callback of its own.
    """
    received: list[str] = []

    async def stoppable() -> T:
        loop = asyncio.get_running_loop()
        task = loop.create_task(work)

        def cancel(number: int, frame: FrameType | None) -> None:
            del frame
            received.append(signal.Signals(number).name)
            loop.call_soon_threadsafe(task.cancel)

        with handled_by(cancel):
            return await task

    try:
        return uvloop.run(stoppable())
    except BaseException as error:
        # What the tasks raised as they were cancelled is no news, whatever it is.
        if received:
            raise StopRequested(received[0]) from error
        raise
