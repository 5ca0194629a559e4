"""Execution environments are forks: each a process of its own, as if it had been started alone."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Generator
from pathlib import Path

import psutil
import pytest

from local.emulator.spawner import Spawner, SpawnerEndedError


@pytest.fixture
def spawner() -> Generator[Spawner]:
    made = Spawner()
    yield made
    made.close()


def module(directory: Path, text: str) -> str:
    """Write a module as if it were a function's code; return its name."""
    (directory / "sample_code.py").write_text(text)
    return "sample_code"


def variables(**more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", ""), **more}


def test_an_environment_has_its_own_variables_folder_arguments_and_output(spawner: Spawner, tmp_path: Path) -> None:
    name = module(tmp_path, "import os, sys\nprint(os.environ['MINE'], os.getcwd(), sys.argv[1:], len(os.environ))")

    forked = spawner.spawn([name, "handler"], directory=str(tmp_path), variables=variables(MINE="yes"))

    assert forked.wait(20) == 0
    assert forked.stdout.read().decode().strip() == f"yes {tmp_path} ['handler'] 3"


def test_a_failure_shows_its_trace_and_its_exit_code(spawner: Spawner, tmp_path: Path) -> None:
    forked = spawner.spawn([module(tmp_path, "1 / 0")], directory=str(tmp_path), variables=variables())

    assert forked.wait(20) == 1
    assert b"ZeroDivisionError" in forked.stdout.read()


@pytest.mark.parametrize(("code", "expected"), [("7", 7), ("None", 0), ("'why'", 1)])
def test_the_exit_code_is_the_programs(spawner: Spawner, tmp_path: Path, code: str, expected: int) -> None:
    forked = spawner.spawn(
        [module(tmp_path, f"raise SystemExit({code})")], directory=str(tmp_path), variables=variables()
    )

    assert forked.wait(20) == expected


def test_a_killed_environment_is_known_as_killed_and_the_next_one_starts(spawner: Spawner, tmp_path: Path) -> None:
    name = module(tmp_path, "import signal\nprint('here', flush=True)\nsignal.pause()")
    first = spawner.spawn([name], directory=str(tmp_path), variables=variables())
    assert first.stdout.readline() == b"here\n"
    assert first.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        first.wait(0.01)

    first.kill()

    assert first.wait(20) == -signal.SIGKILL
    second = spawner.spawn([name], directory=str(tmp_path), variables=variables())
    assert second.stdout.readline() == b"here\n"
    second.terminate()
    assert second.wait(20) == -signal.SIGTERM


def test_an_environment_is_named_after_what_it_runs(spawner: Spawner, tmp_path: Path) -> None:
    name = module(tmp_path, "import signal\nprint('here', flush=True)\nsignal.pause()")
    forked = spawner.spawn([name, "package.handler"], directory=str(tmp_path), variables=variables())
    forked.stdout.readline()

    assert psutil.Process(forked.pid).cmdline()[-2:] == [name, "package.handler"]


def test_nothing_outlives_the_spawner(spawner: Spawner, tmp_path: Path) -> None:
    name = module(tmp_path, "import signal\nprint('here', flush=True)\nsignal.pause()")
    forked = spawner.spawn([name], directory=str(tmp_path), variables=variables())
    forked.stdout.readline()
    process = psutil.Process(forked.pid)

    spawner.close()

    assert psutil.wait_procs([process], timeout=20)[1] == []
    assert forked.wait(20) == -signal.SIGKILL
    with pytest.raises(SpawnerEndedError, match="can be started any more"):
        spawner.spawn([name], directory=str(tmp_path), variables=variables())


def test_no_code_of_a_workload_is_loaded_before_the_fork(spawner: Spawner, tmp_path: Path) -> None:
    text = "import sys\nprint([n for n in sys.modules if n.startswith('workloads') or n == 'runtime_client'])"
    forked = spawner.spawn([module(tmp_path, text)], directory=str(tmp_path), variables=variables())

    assert forked.stdout.read() == b"[]\n"
