"""The plugins under the names by which the engine looks for them on PATH."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from local.paths import ROOT

PACKAGES: Final = ("aws", "docker-build")
MODULE: Final = "local.provider"


def write_plugins(directory: Path, *, emulator_url: str, account: str, ledger: Path, module: str = MODULE) -> Path:
    """Write an executable a package into `directory`; returns it, to be put in front of PATH.

    The shell replaces itself, so that the engine is the plugin's parent.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        options = ["--emulator-url", emulator_url, "--account", account, "--ledger", str(ledger)]
        command = [sys.executable, "-u", "-m", module, package, *options]
        _write_executable(directory / f"pulumi-resource-{package}", command)
    return directory


def _write_executable(file: Path, command: Sequence[str]) -> None:
    # PYTHONPATH, because the engine starts plugins in the program's folder.
    lines = ["#!/bin/sh", f"export PYTHONPATH={shlex.quote(str(ROOT))}", f'exec {shlex.join(command)} "$@"']
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    file.chmod(0o755)
