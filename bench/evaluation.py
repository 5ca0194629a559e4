"""Measures what the program costs over a bare one: per resource, in one run, from 1 to 20 Regions.

Judged is processor time, in which neighbours on the machine show least; the clock's time stands beside it. The engine
and AWS are not measured.
"""

import gc
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from bench import bare
from local.program import evaluate
from local.project import GLOBAL_STACK
from local.recording import RecordedResource, RecordingMonitor
from tests.infrastructure.trees import read_yaml, tree_with, write_config

COUNTS: Final = (1, 2, 5, 10, 20)
BOUND: Final = 1.2
# A stack's time is the least of so many: what disturbs a measurement only ever adds to it.
REPETITIONS: Final = 3
REGIONS: Final = (
    *("us-east-1", "eu-west-1", "ap-northeast-1", "us-west-2", "eu-central-1", "ap-southeast-1", "ap-southeast-2"),
    *("us-east-2", "us-west-1", "eu-west-2", "eu-west-3", "eu-north-1", "eu-south-1", "ap-south-1", "ap-northeast-2"),
    *("ap-northeast-3", "ca-central-1", "sa-east-1", "af-south-1", "me-south-1"),
)
_BARE: Final = "from bench import bare\n\nbare.declare()\n"


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of an evaluation, or of several."""

    processor: float = 0.0
    clock: float = 0.0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(self.processor + other.processor, self.clock + other.clock)


@dataclass(kw_only=True)
class Pair:
    """One stack, evaluated by the program and by the bare one, in turns."""

    resources: int = 0
    program: list[Spent] = field(default_factory=list[Spent])
    bare: list[Spent] = field(default_factory=list[Spent])


@dataclass(frozen=True, kw_only=True)
class Row:
    """One number of Regions: what all stacks take together."""

    regions: int
    resources: int
    program: Spent
    bare: Spent

    @property
    def ratio(self) -> float:
        """How much the program costs over a bare one."""
        return self.program.processor / self.bare.processor

    @property
    def each(self) -> float:
        """Milliseconds of processor time a resource of the program."""
        return self.program.processor * 1_000 / self.resources

    def __str__(self) -> str:
        per_resource = [
            spent * 1_000 / self.resources
            for spent in (self.program.processor, self.bare.processor, self.program.clock, self.bare.clock)
        ]
        times = " | ".join(f"{milliseconds:.2f}" for milliseconds in per_resource)
        return f"| {self.regions} | {self.resources} | {times} | {self.ratio:.2f} |"


def main() -> int:
    """Print the table; the exit code is 1 where a bound is not kept."""
    warnings.simplefilter("ignore", DeprecationWarning)
    with tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder) / "warm-up", 1, repetitions=1)  # imports, caches
        print("| Regions | resources | program, ms | bare, ms | program, ms (clock) | bare, ms (clock) | ratio |")
        print("|--:|--:|--:|--:|--:|--:|--:|")
        rows: list[Row] = []
        for count in COUNTS:
            rows.append(_measure(Path(folder) / str(count), count, repetitions=REPETITIONS))
            print(rows[-1], flush=True)
    growth = max(row.each for row in rows) / rows[0].each
    worst = max(row.ratio for row in rows)
    print(f"\na resource costs at most {growth:.2f} times as much as with one Region (bound {BOUND})")
    print(f"the program costs at most {worst:.2f} times a bare one (bound {BOUND})")
    return int(growth > BOUND or worst > BOUND)


def _measure(directory: Path, count: int, *, repetitions: int) -> Row:
    _tree(directory, REGIONS[:count])
    stacks = [GLOBAL_STACK, *REGIONS[:count]]
    references = {GLOBAL_STACK: _outputs_of_global(directory)}
    pairs = {stack: Pair() for stack in stacks}
    for _ in range(repetitions):
        for stack, pair in pairs.items():
            _measure_pair(pair, stack, directory, references)
    return Row(
        regions=count,
        resources=sum(pair.resources for pair in pairs.values()),
        program=sum((_least(pair.program) for pair in pairs.values()), start=Spent()),
        bare=sum((_least(pair.bare) for pair in pairs.values()), start=Spent()),
    )


def _measure_pair(pair: Pair, stack: str, directory: Path, references: Mapping[str, Mapping[str, Any]]) -> None:
    """Evaluate one after the other, so that a change of the machine's pace meets both."""
    program = RecordingMonitor(stack, references=references)
    pair.program.append(_evaluation(program, stack, directory))
    recorded: list[RecordedResource] = list(program.graph)
    pair.resources = len(recorded)
    bare.prepare(recorded)
    text = (directory / "__main__.py").read_text(encoding="utf-8")
    # In the same tree, so that the program's modules stay imported: neither is measured with its imports.
    (directory / "__main__.py").write_text(_BARE, encoding="utf-8")
    pair.bare.append(_evaluation(RecordingMonitor(stack, references={GLOBAL_STACK: {}}), stack, directory))
    (directory / "__main__.py").write_text(text, encoding="utf-8")


def _least(spent: list[Spent]) -> Spent:
    return Spent(min(one.processor for one in spent), min(one.clock for one in spent))


def _outputs_of_global(directory: Path) -> Mapping[str, Any]:
    monitor = RecordingMonitor(GLOBAL_STACK)
    _evaluation(monitor, GLOBAL_STACK, directory)
    return monitor.graph.outputs


def _evaluation(monitor: RecordingMonitor, stack: str, directory: Path) -> Spent:
    # What earlier evaluations left is not traversed again by the collection at the end of this one.
    gc.collect()
    gc.freeze()
    processor, clock = time.process_time(), time.perf_counter()
    evaluate(monitor=monitor, stack=stack, directory=directory)
    spent = Spent(time.process_time() - processor, time.perf_counter() - clock)
    gc.unfreeze()
    return spent


def _tree(directory: Path, regions: tuple[str, ...]) -> None:
    directory.mkdir()
    tree_with(directory)
    program = (directory / "__main__.py").read_text(encoding="utf-8")
    (directory / "__main__.py").unlink()  # a link into the tree
    (directory / "__main__.py").write_text(program, encoding="utf-8")
    project = read_yaml(directory / "Pulumi.yaml")
    project["config"]["meridian:regions"]["default"] = list(regions)
    (directory / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")
    cell = read_yaml(directory / "Pulumi.us-east-1.yaml")["config"]
    for path in directory.glob("Pulumi.*-*.yaml"):
        path.unlink()
    for index, region in enumerate(regions):
        write_config(directory / f"Pulumi.{region}.yaml", {**cell, "meridian:cidr": f"10.{index + 1}.0.0/16"})


if __name__ == "__main__":
    sys.exit(main())
