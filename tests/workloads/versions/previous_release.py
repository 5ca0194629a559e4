"""The code of the release before, taken from its commit and imported beside the present one."""

from __future__ import annotations

import importlib
import io
import re
import subprocess
import sys
import tarfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Final

ROOT: Final = Path(__file__).parents[3]
_COMMIT: Final = re.compile(r"^Commit: `([0-9a-f]{40})`$", re.MULTILINE)
_PACKAGES: Final = ("workloads", "tests")


class PreviousReleaseMissingError(RuntimeError):
    """The commit of the release before is not in this clone."""

    def __init__(self, commit: str, cause: str) -> None:
        super().__init__(
            f"CHANGELOG.md names {commit} as the last release, and this clone can not give it out ({cause.strip()}): "
            "fetch the whole history, by `git fetch --unshallow` or, in a workflow, by `fetch-depth: 0`"
        )


class PreviousRelease:
    """Modules of the release before, which know only each other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._modules: dict[str, ModuleType] = {}

    def module(self, name: str) -> ModuleType:
        """Return a module as the release before has it."""
        with self.alone():
            return importlib.import_module(name)

    @contextmanager
    def alone(self) -> Generator[None]:
        """Let imports, and whatever looks up a type by its name, find the release before and nothing of the present."""
        present = {name: module for name, module in sys.modules.items() if name.split(".")[0] in _PACKAGES}
        for name in present:
            del sys.modules[name]
        sys.modules.update(self._modules)
        sys.path.insert(0, str(self._folder))
        importlib.invalidate_caches()
        try:
            yield
        finally:
            sys.path.remove(str(self._folder))
            ours = [name for name in sys.modules if name.split(".")[0] in _PACKAGES]
            self._modules = {name: sys.modules.pop(name) for name in ours}
            sys.modules.update(present)


def last_released_commit() -> str:
    """Return the commit that the changelog names first: the release that is out there."""
    found = _COMMIT.search((ROOT / "CHANGELOG.md").read_text())
    assert found, "CHANGELOG.md names no commit"
    return found[1]


def extract(commit: str, folder: Path, *, repository: Path = ROOT) -> None:
    """Write a commit's code into a folder; raises PreviousReleaseMissingError."""
    command = ["git", "-C", str(repository), "archive", commit, *_PACKAGES]
    result = subprocess.run(command, capture_output=True, check=False)
    if result.returncode != 0:
        raise PreviousReleaseMissingError(commit, result.stderr.decode())
    with tarfile.open(fileobj=io.BytesIO(result.stdout)) as archive:
        archive.extractall(folder, filter="data")
