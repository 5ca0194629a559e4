"""The mutation gate: prints each safeguard that is taken away and the test that notices; exits 1 if none does."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

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
_PATIENCE: Final = 600.0
_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


class Verdict(NamedTuple):
    """What became of a mutant."""

    mutant: AnyMutant
    killed_by: str | None
    seconds: float


def main() -> int:
    """Try every mutant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="try the mutants whose name has this in it")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for each")
    arguments = parser.parse_args()
    mutants = [*of_the_code(), *of_the_saga(), *_of_the_conditions()]
    mutants = [mutant for mutant in mutants if arguments.only in mutant.name]
    print(f"{len(mutants)} mutants", flush=True)
    survivors: list[str] = []
    started = time.monotonic()
    with ThreadPoolExecutor(arguments.processes) as pool:
        for verdict in pool.map(partial(_try, limit=arguments.limit), mutants):
            if verdict.killed_by is None:
                survivors.append(verdict.mutant.name)
            print(f"{verdict.seconds:5.1f} s  {verdict.mutant.name}  <-  {verdict.killed_by or 'NOBODY'}", flush=True)
    print(f"{len(mutants) - len(survivors)} of {len(mutants)} killed in {time.monotonic() - started:.0f} s")
    for survivor in survivors:
        print(f"survived: {survivor}")
    return 1 if survivors else 0


def _of_the_conditions() -> Sequence[AnyMutant]:
    """Let the fast tests run once as they are, and return every condition that they came by."""
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "conditions"
        result = _pytest({NOTES: str(notes)}, ["-q"], None)
        if result.returncode != 0:
            print(result.stdout)
            sys.exit("the fast tests fail as they are: mend them first")
        return [msgspec.json.decode(line, type=AnyMutant) for line in sorted(notes.read_text().splitlines())]


def _try(mutant: AnyMutant, limit: float) -> Verdict:
    started = time.monotonic()
    try:
        result = _pytest({MUTANT: msgspec.json.encode(mutant).decode()}, ["-q", "-x", "--tb=no"], limit)
    except subprocess.TimeoutExpired:
        return Verdict(mutant, None, time.monotonic() - started)
    noticed = _FAILED.search(result.stdout)
    killed_by = noticed[1] if noticed else None if result.returncode == 0 else f"pytest, exit {result.returncode}"
    return Verdict(mutant, killed_by, time.monotonic() - started)


def _pytest(
    environment: dict[str, str], options: Sequence[str], limit: float | None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "tests.mutation.plugin", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, "-m", "not soak", "--timeout", str(limit or _PATIENCE), *options, *FAST],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )


if __name__ == "__main__":
    sys.exit(main())
