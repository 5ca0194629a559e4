"""`make up-local`: the laptop mode deployed by the real engine, and that nothing stays of it."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil

from local.paths import ROOT
from local.processes import wait_until
from tests.engine.environment import free_port

# What `python -m local up --engine` does, on ports that were free.
SCRIPT = """
import sys
from local.supervisor import ENGINE, Laptop, StopRequested
from local.tree import Tree
try:
    with Laptop(Tree(), port=int(sys.argv[1]), first_gateway_port=int(sys.argv[2]), deployer=ENGINE) as laptop:
        laptop.up()
        laptop.watch()
except StopRequested:
    print("taken down", flush=True)
"""


def test_both_cells_serve_and_an_interrupt_takes_everything_down(tmp_path: Path) -> None:
    gateway = free_port()
    with _laptop(tmp_path, gateway) as laptop:
        assert wait_until(lambda: "up after" in _said(tmp_path) or laptop.poll() is not None, seconds=600), _said(
            tmp_path
        )
        family = psutil.Process(laptop.pid).children(recursive=True)
        for port, region in ((gateway, "us-east-1"), (gateway + 1, "eu-west-1")):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/health", timeout=30) as answer:
                assert json.load(answer)["region"] == region

        laptop.send_signal(signal.SIGINT)

        assert laptop.wait(60) == 0, _said(tmp_path)
        assert _said(tmp_path).endswith("taken down\n")
        assert psutil.wait_procs(family, timeout=5)[1] == []
        assert [path.name for path in tmp_path.iterdir()] == ["said"]


def test_a_kill_while_the_engine_deploys_leaves_no_process(tmp_path: Path) -> None:
    with _laptop(tmp_path, free_port()) as laptop:
        assert wait_until(lambda: "created" in _said(tmp_path) or laptop.poll() is not None, seconds=300), _said(
            tmp_path
        )
        family = psutil.Process(laptop.pid).children(recursive=True)
        assert any(
            "pulumi-resource-aws" in " ".join(process.cmdline()) or "local.provider" in process.cmdline()
            for process in family
        )

        laptop.kill()

        assert psutil.wait_procs(family, timeout=20)[1] == []


@contextmanager
def _laptop(directory: Path, gateway: int) -> Generator["subprocess.Popen[bytes]"]:
    with (directory / "said").open("wb") as said:
        laptop = subprocess.Popen(
            [sys.executable, "-u", "-c", SCRIPT, str(free_port()), str(gateway)],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(directory), "PYTHONPATH": str(ROOT)},
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    try:
        yield laptop
    finally:
        laptop.terminate()
        laptop.wait(60)


def _said(directory: Path) -> str:
    return (directory / "said").read_text(encoding="utf-8")
