"""The mutation gate: prints each safeguard that is taken away and the test that notices; exits 1 if none does.

Each mutant is a fork of this process, which has loaded everything but the code and the tests: they are imported anew.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import pytest

from tests.mutation.mutants import ROOT, AnyMutant, of_the_code, of_the_saga
from tests.mutation.plugin import MUTANT, NOTES

LIMIT: Final = 60.0
"""Seconds within which the fast tests must notice."""
FAST: Final = (
    "tests/infrastructure/test_cell_saga.py",
    "tests/workloads/checkout",
    "tests/workloads/versions",
    "tests/simulation/test_checkout.py::test_nothing_is_lost_made_or_told_twice",
)
_LOADED_BEFORE: Final = (
    "boto3",
    "botocore.session",
    "greenlet",
    "hypothesis.stateful",
    "jsonata",
    "pulumi_aws",
    "pytest_timeout",
)
_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_PATIENCE: Final = 1800.0
"""Seconds for the run without a mutant, which does not stop at the first failure."""


class Verdict(NamedTuple):
    """What became of a mutant."""

    mutant: AnyMutant
    killed_by: str | None
    seconds: float


class _Running(NamedTuple):
    mutant: AnyMutant
    started: float
    output: Path


def main() -> int:
    """Try every mutant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="try the mutants whose name has this in it")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for each")
    arguments = parser.parse_args()
    for module in _LOADED_BEFORE:
        importlib.import_module(module)
    with tempfile.TemporaryDirectory() as folder:
        mutants = [*of_the_code(), *of_the_saga(), *_of_the_conditions(Path(folder))]
        mutants = [mutant for mutant in mutants if arguments.only in mutant.name]
        print(f"{len(mutants)} mutants", flush=True)
        survivors: list[str] = []
        started = time.monotonic()
        for verdict in _tried(mutants, Path(folder), processes=arguments.processes, limit=arguments.limit):
            if verdict.killed_by is None:
                survivors.append(verdict.mutant.name)
            print(f"{verdict.seconds:5.1f} s  {verdict.mutant.name}  <-  {verdict.killed_by or 'NOBODY'}", flush=True)
    print(f"{len(mutants) - len(survivors)} of {len(mutants)} killed in {time.monotonic() - started:.0f} s")
    for survivor in survivors:
        print(f"survived: {survivor}")
    return 1 if survivors else 0


def _of_the_conditions(folder: Path) -> Sequence[AnyMutant]:
    """Let the fast tests run once as they are, and return every condition that they came by."""
    notes, output = folder / "conditions", folder / "unchanged"
    _, status = os.waitpid(_fork({NOTES: str(notes)}, ["-q"], output, _PATIENCE), 0)
    if status != 0:
        print(output.read_text())
        sys.exit("the fast tests fail as they are: mend them first")
    return [msgspec.json.decode(line, type=AnyMutant) for line in sorted(notes.read_text().splitlines())]


def _tried(mutants: Sequence[AnyMutant], folder: Path, *, processes: int, limit: float) -> Iterator[Verdict]:
    """Try so many mutants at a time; return each one's verdict when it is there."""
    waiting = list(enumerate(mutants))
    running: dict[int, _Running] = {}
    while waiting or running:
        while waiting and len(running) < processes:
            number, mutant = waiting.pop(0)
            output = folder / f"mutant-{number}"
            environment = {MUTANT: msgspec.json.encode(mutant).decode()}
            pid = _fork(environment, ["-q", "-x", "--tb=no"], output, limit)
            running[pid] = _Running(mutant, time.monotonic(), output)
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid:
            yield _verdict(running.pop(pid), status)
        for late in [pid for pid, run in running.items() if time.monotonic() - run.started > limit]:
            os.kill(late, signal.SIGKILL)
            os.waitpid(late, 0)
            run = running.pop(late)
            yield Verdict(run.mutant, None, time.monotonic() - run.started)
        if not pid:
            time.sleep(0.05)


def _verdict(run: _Running, status: int) -> Verdict:
    noticed = _FAILED.search(run.output.read_text())
    killed_by = noticed[1] if noticed else None if status == 0 else f"pytest, status {status}"
    run.output.unlink()
    return Verdict(run.mutant, killed_by, time.monotonic() - run.started)


def _fork(environment: dict[str, str], options: Sequence[str], output: Path, limit: float) -> int:
    """Start pytest in a fork; return its process id."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.environ.update(environment)
    sys.dont_write_bytecode = True
    os.chdir(ROOT)
    plugins = ["-p", "tests.mutation.plugin", "-p", "no:cacheprovider"]
    code = pytest.main([*plugins, "-m", "not soak", "--timeout", str(limit), *options, *FAST])
    sys.stdout.flush()
    os._exit(int(code))


if __name__ == "__main__":
    sys.exit(main())
