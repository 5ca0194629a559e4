"""What the images are built from: one Dockerfile in four copies, and a lock file that says what uv.lock says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from tests.images.builders import BASE_IMAGE, ROOT
from tests.images.conftest import CONTEXTS

WORKLOADS: Final = ROOT / "workloads"
SHARED: Final = {"contracts", "runtime"}
REQUIREMENT: Final = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>[^ ]+)(?: ; [^\\]+)? \\$", re.MULTILINE)
HASH: Final = re.compile(r"--hash=(sha256:[0-9a-f]{64})")


def test_every_context_has_an_image_and_every_image_a_test() -> None:
    folders = {path.parent.name for path in WORKLOADS.glob("*/entrypoints")}

    assert folders == set(CONTEXTS)
    assert {path.parent.name for path in WORKLOADS.glob("*/Dockerfile")} == folders


@pytest.mark.parametrize("context", CONTEXTS, scope="function")
def test_the_dockerfiles_differ_in_the_contexts_name_only(context: str) -> None:
    template = (WORKLOADS / CONTEXTS[0] / "Dockerfile").read_text()

    dockerfile = (WORKLOADS / context / "Dockerfile").read_text()

    assert dockerfile == template.replace(f"ARG CONTEXT={CONTEXTS[0]}\n", f"ARG CONTEXT={context}\n")
    assert f"ARG CONTEXT={context}\n" in dockerfile
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {BASE_IMAGE}


def test_the_images_install_what_the_projects_lock_names_and_nothing_else() -> None:
    """The cure is in the file's own head: the command that exported it."""
    assert _exported(WORKLOADS / "requirements.lock") == _locked(ROOT / "uv.lock", "workloads")


def _exported(path: Path) -> dict[tuple[str, str], set[str]]:
    """Return the hashes by name and version in an exported file."""
    text = path.read_text()
    starts = list(REQUIREMENT.finditer(text))
    ends = [match.start() for match in starts[1:]] + [len(text)]
    return {
        (match["name"], match["version"]): set(HASH.findall(text[match.end() : end]))
        for match, end in zip(starts, ends, strict=True)
    }


def _locked(path: Path, group: str) -> dict[tuple[str, str], set[str]]:
    """Return the hashes by name and version of all that a dependency group leads to."""
    packages: dict[str, dict[str, Any]] = {
        package["name"]: package for package in tomllib.loads(path.read_text())["package"]
    }
    unread: list[str] = [item["name"] for item in packages["meridian"]["dev-dependencies"][group]]
    names: set[str] = set()
    while unread:
        name = unread.pop()
        if name not in names:
            names.add(name)
            unread += [item["name"] for item in packages[name].get("dependencies", [])]
    return {(name, packages[name]["version"]): _hashes(packages[name]) for name in names}


def _hashes(package: dict[str, Any]) -> set[str]:
    files: list[dict[str, str]] = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
    return {file["hash"] for file in files}
