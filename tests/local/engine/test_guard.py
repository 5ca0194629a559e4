"""The guard ends all that a command leaves, also what has left the command's process group, however the end comes."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import suppress

import psutil
import pytest

from local.paths import ROOT
from local.processes import python

GUARD = python("-m", "local.engine.guard")
# In a session of its own, as the engine starts its plugins; and it waits for ever, as some of them do.
LEAVES_A_PLUGIN = ["bash", "-c", "setsid sleep 600 & echo $!; wait"]
# What starts a guard and is killed itself.
PARENT = "import subprocess, sys; subprocess.run(sys.argv[1:])"


@pytest.fixture
def started() -> Generator[list[psutil.Process]]:
    processes: list[psutil.Process] = []
    yield processes
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


@pytest.mark.parametrize(
    ("command", "number"),
    [
        pytest.param([*GUARD, *LEAVES_A_PLUGIN], signal.SIGTERM, id="the guard is asked to end"),
        pytest.param([sys.executable, "-c", PARENT, *GUARD, *LEAVES_A_PLUGIN], signal.SIGKILL, id="its parent dies"),
    ],
)
def test_nothing_of_the_commands_family_is_left(
    started: list[psutil.Process], command: list[str], number: signal.Signals
) -> None:
    first = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    started.append(psutil.Process(first.pid))
    assert first.stdout is not None
    plugin = psutil.Process(int(first.stdout.readline()))
    family = [*started[0].children(recursive=True), plugin]
    started += family

    first.send_signal(number)

    assert psutil.wait_procs(family, timeout=10)[1] == []
    first.wait(10)


def test_a_plugin_that_its_command_leaves_behind_ends_with_the_command(started: list[psutil.Process]) -> None:
    done = subprocess.run(
        [*GUARD, "bash", "-c", "setsid sleep 600 > /dev/null & echo $!; exit 7"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        timeout=20,
        check=False,
    )

    assert done.returncode == 7
    with suppress(psutil.NoSuchProcess):
        started.append(psutil.Process(int(done.stdout)))
    assert not [process for process in started if process.is_running()]
