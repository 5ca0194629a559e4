"""The long run: a million checkouts over ten thousand seeds, on every core; prints its figures as a table.

A seed that breaks an invariant is printed with the command that replays it, and the run exits 1.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable
from functools import partial
from multiprocessing import Pool

from tests.simulation.faults import KINDS
from tests.simulation.run import FailedSeedError, Figures, simulate

_SECONDS_BETWEEN_NEWS = 60.0


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument(
        "--checkouts", type=int, default=120, help="orders that are asked for, a seed; some are refused at the entry"
    )
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    print(f"{len(seeds)} seeds of {arguments.checkouts} checkouts on {arguments.processes} processes", flush=True)
    started = time.monotonic()
    figures: list[Figures] = []
    failures: list[str] = []
    with Pool(arguments.processes, initializer=_collect_rarely) as pool:
        results = pool.imap_unordered(partial(_attempt, checkouts=arguments.checkouts), seeds, chunksize=10)
        news = started
        for result in results:
            if isinstance(result, str):
                failures.append(result)
                print(result, flush=True)
            else:
                figures.append(result)
            if time.monotonic() - news > _SECONDS_BETWEEN_NEWS:
                news = time.monotonic()
                done = sum(figure.checkouts for figure in figures)
                print(f"{len(figures)} seeds, {done} checkouts, {news - started:.0f} s", flush=True)
    print(table(figures, len(failures), time.monotonic() - started))
    return 1 if failures else 0


def table(figures: Iterable[Figures], failed: int, seconds: float) -> str:
    """Return the figures of a run as Markdown."""
    figures = list(figures)
    lines = [
        "| weather | seeds | checkouts | completed | rejected | calls of DynamoDB | longest saga (virtual s) |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [_row(kind, [figure for figure in figures if figure.weather == kind]) for kind in KINDS]
    lines.append(_row("**all**", figures))
    ends = Counter[str]()
    for figure in figures:
        ends.update(figure.ends)
    lines.append("")
    lines.append("Ends: " + ", ".join(f"{end} {count:,}" for end, count in ends.most_common()) + ".")
    lines.append(
        f"Sold by tokens {sum(figure.by_tokens for figure in figures):,}, reservations that expired "
        f"{sum(figure.expired for figure in figures):,}, sagas that were parked "
        f"{sum(figure.parked for figure in figures):,}, redrives {sum(figure.redrives for figure in figures):,}."
    )
    virtual = sum(figure.virtual_seconds for figure in figures) / 3600
    lines.append(f"Seeds that broke an invariant: {failed}. {virtual:,.0f} virtual hours in {seconds:,.0f} s.")
    return "\n".join(lines)


def _row(name: str, figures: list[Figures]) -> str:
    # What was refunded afterwards was a purchase as well.
    completed = sum(figure.ends.get(end, 0) for figure in figures for end in ("Completed", "Refunded"))
    checkouts = sum(figure.checkouts for figure in figures)
    longest = max((figure.longest_saga for figure in figures), default=0.0)
    calls = sum(figure.calls for figure in figures)
    return (
        f"| {name} | {len(figures):,} | {checkouts:,} | {completed:,} | {checkouts - completed:,} | {calls:,} "
        f"| {longest:,.0f} |"
    )


def _attempt(seed: int, checkouts: int) -> Figures | str:
    try:
        return simulate(seed, checkouts)
    except FailedSeedError as error:
        return str(error)


def _collect_rarely() -> None:
    """Let the collector of cycles run seldom: a run makes much and drops it all at once."""
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)


def _with_fixed_hashes() -> None:
    """Start over with the hash seed of all runs: the order of a set may decide who comes first."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(  # noqa: S606 - this very program
            sys.executable,
            [sys.executable, "-m", "tests.simulation", *sys.argv[1:]],
            {**os.environ, "PYTHONHASHSEED": "0"},
        )


if __name__ == "__main__":
    _with_fixed_hashes()
    sys.exit(main())
