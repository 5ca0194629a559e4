"""How long `make local` takes to its first line, to being up and to the first completed order, and what it holds.

`python -m bench.start_up [--runs 3] [--orders 200]`; exits 1 where a bound is not kept.
"""

import argparse
import json
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from local.paths import ROOT
from local.processes import environment, python

FIRST_ORDER_SECONDS: Final = 15.0
RESIDENT_BYTES: Final = 1_500_000_000
FIRST_LINE_SECONDS: Final = 1.0
_LAST_LINE: Final = "Ctrl-C"
_AT_ONCE: Final = 8
_TOO_MANY: Final[int] = httpx.codes.TOO_MANY_REQUESTS.value


class BenchError(Exception):
    """The laptop mode did not do what is to be measured."""


@dataclass
class Memory:
    """The most that the process tree held, in bytes."""

    rss: int = 0
    """Resident sets added up: what processes share counts once for each of them."""
    pss: int = 0
    """Proportional sets: what processes share is divided among them, so this is what the machine gives in all."""


@dataclass
class Run:
    """What one start took and held."""

    first_line: float
    up: float
    first_order: float
    at_rest: Memory
    under_load: Memory = field(default_factory=Memory)


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and tell by the exit status whether the bounds were kept."""
    parser = argparse.ArgumentParser(prog="python -m bench.start_up", description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--orders", type=int, default=200, help="how many orders are placed while memory is watched")
    options = parser.parse_args(arguments)
    try:
        runs = [measure(options.orders) for _ in range(options.runs)]
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    kept = show(runs)
    return 0 if kept else 1


def measure(orders: int) -> Run:
    """Start the laptop mode once, place the printed order, then many, and take it down."""
    with tempfile.TemporaryDirectory() as temporary:
        began = time.monotonic()
        process = subprocess.Popen(
            python("-m", "local", "up"),
            cwd=ROOT,
            env=environment(TMPDIR=temporary),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            lines = _Lines(process, began)
            request = _order(lines.until_up())
            first_order = _first_order(request, began)
            at_rest = memory_of(process.pid)
            with _watched(process.pid) as under_load:
                _place(request, orders)
            return Run(lines.first, lines.up, first_order, at_rest, under_load)
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate()


def memory_of(pid: int) -> Memory:
    """Return what a process and all that it has started hold now."""
    memory = Memory()
    root = psutil.Process(pid)
    for process in [root, *root.children(recursive=True)]:
        try:
            full = process.memory_full_info()
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
        memory.rss += full.rss
        memory.pss += full.pss
    return memory


def show(runs: Sequence[Run]) -> bool:
    """Print the table; tell whether every run kept every bound."""
    table = Table(title=f"`make local`, {len(runs)} runs, on {psutil.cpu_count()} processors")
    for column in ("", "median", "worst", "bound"):
        table.add_column(column, justify="left" if not column else "right")
    kept = True
    for name, values, bound in (
        ("first line, s", [run.first_line for run in runs], FIRST_LINE_SECONDS),
        ("up, s", [run.up for run in runs], None),
        ("first completed order, s", [run.first_order for run in runs], FIRST_ORDER_SECONDS),
        ("PSS at rest, MB", [run.at_rest.pss / 1e6 for run in runs], RESIDENT_BYTES / 1e6),
        ("RSS at rest, MB", [run.at_rest.rss / 1e6 for run in runs], None),
        ("PSS under load, MB", [run.under_load.pss / 1e6 for run in runs], RESIDENT_BYTES / 1e6),
        ("RSS under load, MB", [run.under_load.rss / 1e6 for run in runs], None),
    ):
        worst = max(values)
        kept = kept and (bound is None or worst <= bound)
        table.add_row(name, f"{statistics.median(values):.1f}", f"{worst:.1f}", "" if bound is None else f"{bound:.0f}")
    Console().print(table)
    return kept


class _Lines:
    """The output of the laptop mode, with the times of its first line and of being up."""

    def __init__(self, process: subprocess.Popen[str], began: float) -> None:
        self._process = process
        self._began = began
        self.first = 0.0
        self.up = 0.0

    def until_up(self) -> list[str]:
        """Return all lines up to the last one that a start prints."""
        seen: list[str] = []
        for line in self._process.stdout or ():
            now = time.monotonic() - self._began
            self.first = self.first or now
            seen.append(line.rstrip("\n"))
            if line.startswith("up after"):
                self.up = now
            if line.startswith(_LAST_LINE):
                return seen
        message = "the laptop mode did not come up:\n" + "\n".join(seen[-10:])
        raise BenchError(message)


def _order(lines: Sequence[str]) -> httpx.Request:
    """Read the printed curl line that places an order."""
    line = next(line for line in lines if line.startswith("curl") and "/v1/orders" in line)
    words = shlex.split(line)
    headers = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")
    url = next(word for word in words if word.startswith("http"))
    return httpx.Request("POST", url, headers=headers, content=words[words.index("-d") + 1])


def _first_order(request: httpx.Request, began: float) -> float:
    """Send the printed request until it answers that the order is completed."""
    with httpx.Client(trust_env=False, timeout=30.0) as client:
        while True:
            answer = client.send(request)
            state = json.loads(answer.content).get("state")
            if state == "Completed":
                return time.monotonic() - began
            if not answer.is_success or state == "Rejected":
                message = f"the first order answered {answer.status_code}: {answer.text}"
                raise BenchError(message)


def _place(request: httpx.Request, orders: int) -> None:
    """Place orders, each to its end, several at a time."""
    with httpx.Client(trust_env=False, timeout=60.0) as client, ThreadPoolExecutor(_AT_ONCE) as pool:

        def place(number: int) -> None:
            headers = {**request.headers, "Idempotency-Key": f"bench-{number}", "Prefer": "wait=10"}
            answer = client.post(str(request.url), headers=headers, content=request.content)
            while answer.status_code == _TOO_MANY:
                # One customer orders more here than a customer may.
                time.sleep(float(answer.headers["Retry-After"]))
                answer = client.post(str(request.url), headers=headers, content=request.content)
            if not answer.is_success:
                message = f"order {number} answered {answer.status_code}: {answer.text}"
                raise BenchError(message)

        list(pool.map(place, range(orders)))


@contextmanager
def _watched(pid: int, *, pause: float = 0.5) -> Generator[Memory]:
    """Keep the most that the process tree holds meanwhile."""
    most, ended = Memory(), threading.Event()

    def watch() -> None:
        while not ended.wait(pause):
            now = memory_of(pid)
            most.rss, most.pss = max(most.rss, now.rss), max(most.pss, now.pss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield most
    finally:
        ended.set()
        watcher.join()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
