"""The gate as a plugin of pytest: the tests are collected once, and each run of some of them is a fork of this process.

The first run is without any mutant: it notes which test comes by which safeguard, and how long it takes. Each mutant
then meets the tests that come by it, the quickest first, until one of them fails.
"""

from __future__ import annotations

import gc
import os
import re
import resource
import signal
import sys
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import pytest

from tests.mutation.conditions import Conditions
from tests.mutation.mutants import AnyMutant, CodeMutant, ConditionMutant, SagaMutant, of_the_saga
from tests.mutation.saga import Machines
from tests.mutation.switches import SAFEGUARDS

_SEARCHES: Final = (
    "workloads/versions/",
    "test_no_step_that_arrives_late",
    "test_hot_item_faults",
    "test_histories",
    "simulation/",
)
_OF_THE_SAGA: Final = "tests/infrastructure/"
_OTHER_RELEASE: Final = "tests/workloads/versions/"
_NEEDS_THE_EMBEDDED_AWS: Final = frozenset({"emulator", "dynamodb_cells", "session_cells", "embedded", "make_table"})
_RECORDED: Final = frozenset({"graphs", "preview_graphs"})
"""Fixtures that take seconds, of which only the first test that needs one is told."""
_TICK: Final = 0.01


class Note(msgspec.Struct, frozen=True):
    """What a test did while nothing was missing."""

    test: str
    seconds: float
    """Of processor time, what it had to prepare included."""
    failed: bool
    met: frozenset[str]
    asked: frozenset[ConditionMutant]
    denied: frozenset[ConditionMutant]


class Verdict(NamedTuple):
    """What became of a mutant."""

    mutant: AnyMutant
    killed_by: str | None
    seconds: float
    """Of processor time."""
    tried: int
    """Tests that come by what is missing."""


class _Running(NamedTuple):
    mutant: AnyMutant
    output: Path
    tried: int


class Gate:
    """Tries the mutants, as soon as the tests are collected."""

    def __init__(
        self,
        mutants: Sequence[CodeMutant],
        *,
        only: str,
        folder: Path,
        processes: int,
        limit: float,
        told: Callable[[Verdict], None],
    ) -> None:
        self.verdicts: list[Verdict] = []
        self._mutants = mutants
        self._only = only
        self._folder = folder
        self._processes = processes
        self._limit = limit
        self._told = told
        self._conditions = Conditions()
        self._machines = Machines()
        self._conditions.install()
        self._machines.install()
        self._failed: list[str] = []

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what needs the embedded AWS: the models must notice by themselves, and quickly."""
        items[:] = [item for item in items if not _needs_the_embedded_aws(item)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Learn which tests failed."""
        if report.failed:
            self._failed.append(report.nodeid)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run everything as it is, then with each mutant."""
        if session.testsfailed:
            raise session.Interrupted("the tests can not be collected")
        gc.collect()
        gc.freeze()
        notes = self._notes(session.items)
        failed = [note.test for note in notes if note.failed]
        if failed:
            raise session.Interrupted(f"tests fail as they are, mend them first: {', '.join(failed)}")
        mutants = [mutant for mutant in self._all(notes) if re.search(self._only, mutant.name)]
        print(f"{len(mutants)} mutants, {len(notes)} tests", flush=True)
        for verdict in self._tried(mutants, _Order(session.items, notes)):
            self.verdicts.append(verdict)
            self._told(verdict)
        return True

    def _all(self, notes: Iterable[Note]) -> Iterator[AnyMutant]:
        yield from self._mutants
        yield from of_the_saga()
        present = (note.asked for note in notes if not note.test.startswith(_OTHER_RELEASE))
        yield from sorted(frozenset[ConditionMutant]().union(*present))

    def _notes(self, items: Sequence[pytest.Item]) -> list[Note]:
        """Let every test run once as it is, a file in one process."""
        files = list(dict.fromkeys(item.path for item in items))
        shares = [frozenset(files[number :: self._processes]) for number in range(self._processes)]
        outputs = [self._folder / f"notes-{number}" for number in range(len(shares))]
        children = [
            self._fork(output, lambda share=share: self._note([item for item in items if item.path in share]))
            for output, share in zip(outputs, shares, strict=True)
        ]
        for child, output in zip(children, outputs, strict=True):
            _, status = os.waitpid(child, 0)
            if status != 0:
                raise RuntimeError(f"the run without a mutant ended with {status}:\n{_log(output).read_text()}")
        decoder = msgspec.json.Decoder(Note)
        return [decoder.decode(line) for output in outputs for line in output.read_text().splitlines()]

    def _note(self, items: Sequence[pytest.Item]) -> Iterator[bytes]:
        before = time.process_time()
        for test in _run(items):
            asked, denied = self._conditions.met()
            now = time.process_time()
            yield msgspec.json.encode(
                Note(
                    test=test.nodeid,
                    seconds=now - before,
                    failed=bool(self._failed),
                    met=SAFEGUARDS.met(),
                    asked=asked,
                    denied=denied,
                )
            )
            self._failed.clear()
            before = now

    def _tried(self, mutants: Sequence[AnyMutant], order: _Order) -> Iterator[Verdict]:
        """Try so many mutants at a time; return each one's verdict when it is there."""
        waiting = list(enumerate(mutants))
        running: dict[int, _Running] = {}
        while waiting or running:
            while waiting and len(running) < self._processes:
                number, mutant = waiting.pop(0)
                items = order.of(mutant)
                output = self._folder / f"mutant-{number}"
                pid = self._fork(output, lambda mutant=mutant, items=items: self._try(mutant, items))
                running[pid] = _Running(mutant, output, len(items))
            pid, status, usage = os.wait3(os.WNOHANG)
            if pid in running:
                yield _verdict(running.pop(pid), status, usage.ru_utime + usage.ru_stime)
            else:
                time.sleep(_TICK)

    def _try(self, mutant: AnyMutant, items: Sequence[pytest.Item]) -> Iterator[bytes]:
        # Processor time, so that what else the machine does is nobody's rescue.
        resource.setrlimit(resource.RLIMIT_CPU, (int(self._limit), int(self._limit) + 5))
        match mutant:
            case CodeMutant():
                SAFEGUARDS.missing = mutant.name
            case ConditionMutant():
                self._conditions.missing = mutant
            case SagaMutant():
                self._machines.take(mutant)
        for _ in _run(items):
            if self._failed:
                yield self._failed[0].encode()
                return

    def _fork(self, output: Path, work: Callable[[], Iterator[bytes]]) -> int:
        """Do something in a fork, and write what it says, line by line; return its process id."""
        sys.stdout.flush()
        pid = os.fork()
        if pid:
            return pid
        status = 1
        try:
            _become_quiet(_log(output))
            temporary = output.with_suffix(".tmp")
            temporary.mkdir()
            os.environ["PYTEST_DEBUG_TEMPROOT"] = str(temporary)
            with output.open("wb") as file:
                for line in work():
                    file.write(line + b"\n")
            status = 0
        except BaseException:  # noqa: BLE001 - whatever it is, a fork must not go on as its parent would
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)


class _Order:
    """Which tests a mutant meets, and in which order."""

    def __init__(self, items: Sequence[pytest.Item], notes: Iterable[Note]) -> None:
        self._items = {item.nodeid: item for item in items}
        self._seconds: dict[str, float] = {}
        self._meet: defaultdict[str, set[str]] = defaultdict(set)
        self._deny: defaultdict[str, set[str]] = defaultdict(set)
        for note in notes:
            self._seconds[note.test] = note.seconds
            for name in (*note.met, *(one.name for one in note.asked)):
                self._meet[name].add(note.test)
            for condition in note.denied:
                self._deny[condition.name].add(note.test)

    def of(self, mutant: AnyMutant) -> list[pytest.Item]:
        """Return the tests that come by what is missing: what searches for long comes last.

        Of those that ask a condition, the ones that see it denied come first. Nobody notes who asks the saga for a
        state: its own tests come first, and then all others.
        """
        tests: Collection[str] = self._seconds if isinstance(mutant, SagaMutant) else self._meet[mutant.name]
        denied: Collection[str] = self._deny[mutant.name]

        def place(test: str) -> tuple[bool, int, bool, bool, float]:
            others = isinstance(mutant, SagaMutant) and not test.startswith(_OF_THE_SAGA)
            records = not _RECORDED.isdisjoint(_fixtures_of(self._items[test]))
            return others, _slowness(test), records, test not in denied, self._seconds[test]

        return [self._items[test] for test in sorted(tests, key=place)]


def _run(items: Sequence[pytest.Item]) -> Iterator[pytest.Item]:
    """Run tests one after the other as pytest does; whoever stops early takes down what they share."""
    try:
        for item, next_item in zip_longest(items, items[1:]):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=next_item)
            yield item
    finally:
        if items:
            items[0].session._setupstate.teardown_exact(None)  # pyright: ignore[reportPrivateUsage] - as pytest's own loop ends


def _verdict(run: _Running, status: int, seconds: float) -> Verdict:
    said = run.output.read_text().strip()
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in {signal.SIGXCPU, signal.SIGKILL}:
        killed_by = None
    elif status != 0 and not said:
        killed_by = None
        print(_log(run.output).read_text())
    else:
        killed_by = said or None
    return Verdict(run.mutant, killed_by, seconds, run.tried)


def _become_quiet(log: Path) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)


def _log(output: Path) -> Path:
    return output.with_suffix(".log")


def _slowness(test: str) -> int:
    """Let what searches come last: what says it in one example says it sooner."""
    return next((place for place, name in enumerate(_SEARCHES, 1) if name in test), 0)


def _needs_the_embedded_aws(item: pytest.Item) -> bool:
    names = _fixtures_of(item)
    parameters: Mapping[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    chosen = {str(value) for value in parameters.values()}
    return not _NEEDS_THE_EMBEDDED_AWS.isdisjoint(names) or not chosen.isdisjoint({"dynamodb", "embedded"})


def _fixtures_of(item: pytest.Item) -> Collection[str]:
    return getattr(item, "fixturenames", ())
