"""The mutation gate: prints each safeguard that is taken away and the test that notices; exits 1 if none does."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import hypothesis
import pytest

from tests.mutation import switches
from tests.mutation.equivalents import EQUIVALENTS
from tests.mutation.gate import Gate, Verdict
from tests.mutation.mutants import of_the_code
from tests.mutation.page import page

LIMIT: Final = 60.0
"""Seconds of processor time within which the fast tests must notice."""
FAST: Final = (
    "tests/infrastructure/test_cell_saga.py",
    "tests/workloads/checkout",
    "tests/workloads/versions",
    "tests/simulation/test_checkout.py::test_nothing_is_lost_made_or_told_twice",
)
_OPTIONS: Final = ("-q", "-s", "--tb=short", "--no-header", "--no-summary", "-m", "not soak", "-p", "no:cacheprovider")


def main() -> int:
    """Try every mutant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="try the mutants whose name this regular expression finds")
    parser.add_argument("--tests", nargs="+", default=FAST, help="files, folders or names of tests")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds of processor time for each")
    parser.add_argument("--write", type=Path, help="write the list as a page; goes with all mutants and tests only")
    arguments = parser.parse_args()
    whole = not arguments.only and tuple(arguments.tests) == FAST
    if arguments.write and not whole:
        parser.error("a page is of all mutants and all tests: --write goes with neither --only nor --tests")
    started = time.monotonic()
    verdicts = _verdicts(arguments.tests, only=arguments.only, processes=arguments.processes, limit=arguments.limit)
    killed = sum(verdict.killed_by is not None for verdict in verdicts)
    print(f"{killed} of {len(verdicts)} killed in {time.monotonic() - started:.0f} s")
    if arguments.write:
        arguments.write.write_text(page(verdicts, EQUIVALENTS), encoding="utf-8")
    faults = list(_faults(verdicts, whole=whole))
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def _verdicts(tests: Sequence[str], *, only: str, processes: int, limit: float) -> Sequence[Verdict]:
    mutants = of_the_code()
    switches.install(mutants)
    # What failed with a mutant is no example for the tests as they are; and the first failure will do.
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile("gate", database=None, derandomize=True, phases=phases, print_blob=False)
    hypothesis.settings.load_profile("gate")
    sys.dont_write_bytecode = True
    with tempfile.TemporaryDirectory() as folder:
        gate = Gate(mutants, only=only, folder=Path(folder), processes=processes, limit=limit, told=_tell)
        code = pytest.main([*_OPTIONS, *tests], plugins=[gate])
    if code not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        sys.exit(int(code))
    return gate.verdicts


def _tell(verdict: Verdict) -> None:
    name = verdict.mutant.name
    noticed = verdict.killed_by or ("nobody can" if name in EQUIVALENTS else f"NOBODY, of {verdict.tried} tests")
    print(f"{verdict.seconds:5.1f} s  {name}  <-  {noticed}", flush=True)
    if name in EQUIVALENTS:
        print(f"         {EQUIVALENTS[name]}", flush=True)


def _faults(verdicts: Sequence[Verdict], *, whole: bool) -> Iterator[str]:
    for verdict in verdicts:
        is_equivalent = verdict.mutant.name in EQUIVALENTS
        if verdict.killed_by is None and not is_equivalent:
            yield f"survived: {verdict.mutant.name}"
        if verdict.killed_by is not None and is_equivalent:
            yield f"noticed, so no equivalent: {verdict.mutant.name}"
    if whole:
        names = {verdict.mutant.name for verdict in verdicts}
        yield from (f"no mutant any more: {name}" for name in EQUIVALENTS if name not in names)


if __name__ == "__main__":
    sys.exit(main())
