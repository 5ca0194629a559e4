"""The direction of dependencies is kept: the contracts of pyproject.toml hold, and a forbidden import is seen."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
_PACKAGES: Final = ("components", "local", "pipelines", "policies", "workloads")


def test_no_import_goes_against_the_contracts() -> None:
    checked = lint(ROOT)

    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("module", "forbidden", "contract"),
    [
        (
            "workloads/checkout/domain/order.py",
            "workloads.checkout.adapters",
            "Within a context, dependencies point inwards",
        ),
        ("workloads/checkout/domain/order.py", "boto3", "The domain and the published language know no technology"),
        ("workloads/loyalty/application/__init__.py", "workloads.checkout.domain", "Contexts do not know each other"),
        ("workloads/runtime/http.py", "pulumi", "The workloads run without Pulumi"),
        ("components/naming.py", "local", "Neither the program nor the workloads know the laptop"),
    ],
)
def test_a_forbidden_import_is_seen(tmp_path: Path, module: str, forbidden: str, contract: str) -> None:
    for package in _PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / module).open("a", encoding="utf-8") as file:
        file.write(f"\nimport {forbidden}\n")

    checked = lint(tmp_path)

    assert checked.returncode == 1
    assert f"{contract} BROKEN" in checked.stdout


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    """Check the packages of a tree against the contracts in its pyproject.toml."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
