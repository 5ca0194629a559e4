"""A signal ends what the demo has under way: at once, in order, and by one exception whatever the tasks raise."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys

import pytest

from local.demo.stopping import run_until_stopped
from local.stopping import SIGNALS, StopRequested, handled_by, request_stop

FOR_EVER = 3600


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_cancels_all_tasks_and_is_then_raised(number: signal.Signals) -> None:
    ended: list[str] = []

    async def wait(name: str) -> None:
        try:
            await asyncio.sleep(FOR_EVER)
        finally:
            ended.append(name)

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(wait("first"))
            group.create_task(wait("second"))
            asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), number)

    with handled_by(request_stop), pytest.raises(StopRequested, match=number.name):
        run_until_stopped(work())

    assert sorted(ended) == ["first", "second"]


def test_an_error_that_a_task_raises_as_it_is_cancelled_is_not_what_is_raised() -> None:
    async def fail_in_the_end() -> None:
        try:
            await asyncio.sleep(FOR_EVER)
        except asyncio.CancelledError:
            raise RuntimeError("cut off") from None

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail_in_the_end())
            asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGINT)

    with handled_by(request_stop), pytest.raises(StopRequested):
        run_until_stopped(work())


def test_a_signal_that_comes_while_a_protocol_takes_what_arrived_is_not_the_failure_of_its_connection() -> None:
    lost: list[Exception | None] = []

    class Protocol(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            del data
            os.kill(os.getpid(), signal.SIGINT)

        def connection_lost(self, exc: Exception | None) -> None:
            lost.append(exc)

    async def work() -> None:
        here, there = socket.socketpair()
        with there:
            await asyncio.get_running_loop().create_connection(Protocol, sock=here)
            there.send(b"answer")
            await asyncio.wait_for(asyncio.sleep(FOR_EVER), 5)

    with handled_by(request_stop), pytest.raises(StopRequested):
        run_until_stopped(work())

    assert not any(lost)


def test_what_runs_to_its_end_is_returned_and_signals_are_handled_as_before() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 7

    with handled_by(request_stop):
        assert run_until_stopped(work()) == 7
        assert [signal.getsignal(number) for number in SIGNALS] == [request_stop] * len(SIGNALS)


def test_a_request_to_stop_in_the_midst_of_any_event_loop_ends_it() -> None:
    """As in a loop that is not the demo's: a kind of exception that loops keep for themselves would be printed only."""
    script = f"""
import asyncio, os, signal, uvloop
from local.stopping import handle, request_stop
handle(request_stop)
async def main():
    asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGINT)
    await asyncio.sleep({FOR_EVER})
uvloop.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=10, check=False)

    assert ended.stderr.splitlines()[-1] == "local.stopping.StopRequested: SIGINT"
