"""Simulates the event with each design, prints what came of it, and can write it down.

`python -m bench.capacity [--write docs/capacity.md]`; exits 1 where a bound is not kept.
"""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench.capacity.cell import Cell
from bench.capacity.limits import DEFAULTS, REQUESTED, STARTS_BY_DEFAULT, Limits
from bench.capacity.outcome import Outcome
from bench.capacity.report import Row, kept, page, show
from bench.capacity.scenario import Scenario
from bench.capacity.stock import Design, Kind

_DEMANDS: Final = (28_000.0, 22_000.0)
"""New checkouts a second of the two Regions: 50,000, and not the same in both, while both have the same stock."""
_SEED: Final = 2026

_EVENT: Final = Scenario()
_LONG_HIDDEN: Final = replace(_EVENT, visibility=30.0)
# What these designs come to shows at once; their whole event would take minutes to simulate.
_FIRST_3_SECONDS: Final = replace(_EVENT, lasts=3.0, tail=12.0)
_FIRST_2_SECONDS: Final = replace(_EVENT, ramp=0.5, lasts=2.0, tail=5.0)

_RUNS: Final[Sequence[tuple[Design, Limits, str, Scenario]]] = (
    (Design("tokens", Kind.TOKENS), REQUESTED, "as requested", _EVENT),
    (Design("tokens", Kind.TOKENS), STARTS_BY_DEFAULT, "StartExecution by default", _EVENT),
    (Design("tokens, hidden for 30 s", Kind.TOKENS), REQUESTED, "as requested", _LONG_HIDDEN),
    (Design("64 counters", Kind.SHARDS), REQUESTED, "as requested", _EVENT),
    (Design("one counter", Kind.COUNTER), REQUESTED, "first 3 s", _FIRST_3_SECONDS),
    (Design("64 counters, in the request", Kind.SHARDS, queued=False), REQUESTED, "first 2 s", _FIRST_2_SECONDS),
    (Design("one counter, in the request", Kind.COUNTER, queued=False), REQUESTED, "first 2 s", _FIRST_2_SECONDS),
    (Design("tokens", Kind.TOKENS), DEFAULTS, "defaults", _EVENT),
)
"""The first is the one that the bounds are for."""


def main(arguments: Sequence[str]) -> int:
    """Simulate, print, and tell by the exit status whether the bounds were kept."""
    parser = argparse.ArgumentParser(prog="python -m bench.capacity", description=__doc__)
    parser.add_argument("--write", type=Path, help="the page to write")
    parser.add_argument("--seed", type=int, default=_SEED)
    options = parser.parse_args(arguments)
    with ProcessPoolExecutor() as pool:
        running = [
            [
                pool.submit(simulate, replace(scenario, demand=demand), limits, design, options.seed + region)
                for region, demand in enumerate(_DEMANDS)
            ]
            for design, limits, _, scenario in _RUNS
        ]
        rows = [
            Row(design.name, quotas, [future.result() for future in futures])
            for (design, _, quotas, _), futures in zip(_RUNS, running, strict=True)
        ]
    show(rows, _EVENT, options.seed)
    if options.write:
        options.write.write_text(page(rows, _EVENT, demands=_DEMANDS, seed=options.seed), encoding="utf-8")
    return 0 if kept(rows[0]) else 1


def simulate(scenario: Scenario, limits: Limits, design: Design, seed: int) -> Outcome:
    """Run one Region."""
    return Cell(scenario, limits, design, seed).run()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
