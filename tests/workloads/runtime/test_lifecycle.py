"""A function's start looks for no garbage, and does at once what every call needs."""

from __future__ import annotations

import os
import subprocess
import sys

from local.paths import ROOT

START = """
import gc, workloads
during = gc.get_threshold()[0]
from workloads.runtime.lifecycle import at_start
at_start(lambda: print("built"))
print(during, gc.get_threshold()[0], gc.get_freeze_count() > 0)
"""


def start(**variables: str) -> list[str]:
    known = {name: value for name, value in os.environ.items() if name != "AWS_LAMBDA_RUNTIME_API"}
    ran = subprocess.run(
        [sys.executable, "-c", START], env={**known, **variables}, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return ran.stdout.splitlines()


def test_under_lambda_a_start_builds_at_once_and_collects_after_it_only() -> None:
    assert start(AWS_LAMBDA_RUNTIME_API="127.0.0.1:1") == ["built", "200000 20000 True"]


def test_elsewhere_importing_builds_nothing_and_leaves_the_collector_alone() -> None:
    assert start() == ["700 700 False"]
