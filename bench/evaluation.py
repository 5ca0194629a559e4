"""Measures what the program costs over a bare one: per resource, in one run, from 1 to 20 Regions.

Processor time, not the clock's: neighbours on the machine do not show in it. The engine and AWS are not measured.
"""

import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from bench import bare
from local.program import GLOBAL_STACK, evaluate
from local.recording import RecordedResource, RecordingMonitor
from tests.infrastructure.trees import read_yaml, tree_with, write_config

COUNTS: Final = (1, 2, 5, 10, 20)
BOUND: Final = 1.2
REPETITIONS: Final = 3
REGIONS: Final = (
    *("us-east-1", "eu-west-1", "ap-northeast-1", "us-west-2", "eu-central-1", "ap-southeast-1", "ap-southeast-2"),
    *("us-east-2", "us-west-1", "eu-west-2", "eu-west-3", "eu-north-1", "eu-south-1", "ap-south-1", "ap-northeast-2"),
    *("ap-northeast-3", "ca-central-1", "sa-east-1", "af-south-1", "me-south-1"),
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One number of Regions: milliseconds a resource, and the ratio of the program to the bare one."""

    regions: int
    resources: int
    program: float
    bare: float

    @property
    def ratio(self) -> float:
        """How much the program costs over a bare one."""
        return self.program / self.bare


def main() -> int:
    """Print the table; the exit code is 1 where a bound is not kept."""
    warnings.simplefilter("ignore", DeprecationWarning)
    with tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder) / "warm-up", 1, repetitions=1)  # imports, caches
        rows = [_measure(Path(folder) / str(count), count, repetitions=REPETITIONS) for count in COUNTS]
    print("| Regions | resources | program, ms a resource | bare, ms a resource | ratio |\n|--:|--:|--:|--:|--:|")
    for row in rows:
        print(f"| {row.regions} | {row.resources} | {row.program:.2f} | {row.bare:.2f} | {row.ratio:.2f} |")
    growth = rows[-1].program / rows[0].program
    worst = max(row.ratio for row in rows)
    print(
        f"\na resource costs {growth:.2f} times as much with {COUNTS[-1]} Regions as with {COUNTS[0]} (bound {BOUND})"
    )
    print(f"the program costs at most {worst:.2f} times a bare one (bound {BOUND})")
    return int(growth > BOUND or worst > BOUND)


def _measure(directory: Path, count: int, *, repetitions: int) -> Row:
    _tree(directory, REGIONS[:count])
    stacks = [GLOBAL_STACK, *REGIONS[:count]]
    programs: list[float] = []
    bares: list[float] = []
    resources = 0
    # One after the other, so that a change of the machine's pace meets both.
    for _ in range(repetitions):
        spent, recorded = _program(directory, stacks)
        programs.append(spent)
        bares.append(_bare(directory, recorded))
        resources = sum(len(part) for part in recorded.values())
    return Row(
        regions=count,
        resources=resources,
        program=statistics.median(programs) * 1_000 / resources,
        bare=statistics.median(bares) * 1_000 / resources,
    )


def _program(directory: Path, stacks: list[str]) -> tuple[float, Mapping[str, list[RecordedResource]]]:
    references: dict[str, Mapping[str, Any]] = {}
    recorded: dict[str, list[RecordedResource]] = {}
    spent = 0.0
    for stack in stacks:
        monitor = RecordingMonitor(stack, references=references)
        spent += _evaluation(monitor, stack, directory)
        recorded[stack] = list(monitor.graph)
        if stack == GLOBAL_STACK:
            references[stack] = monitor.graph.outputs
    return spent, recorded


def _bare(directory: Path, recorded: Mapping[str, list[RecordedResource]]) -> float:
    folder = directory.with_name(f"{directory.name}-bare")
    folder.mkdir(exist_ok=True)
    (folder / "__main__.py").write_text("from bench import bare\n\nbare.declare()\n", encoding="utf-8")
    for source in directory.glob("Pulumi*.yaml"):
        (folder / source.name).write_bytes(source.read_bytes())
    spent = 0.0
    for stack, resources in recorded.items():
        bare.prepare(resources)
        spent += _evaluation(RecordingMonitor(stack, references={GLOBAL_STACK: {}}), stack, folder)
    return spent


def _evaluation(monitor: RecordingMonitor, stack: str, directory: Path) -> float:
    begin = time.process_time()
    evaluate(monitor=monitor, stack=stack, directory=directory)
    return time.process_time() - begin


def _tree(directory: Path, regions: tuple[str, ...]) -> None:
    directory.mkdir()
    tree_with(directory)
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
