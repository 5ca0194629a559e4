"""What Pulumi.yaml says to the workflows: the Regions in the order of their cells' deployment, and the processor."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from components.settings import PROJECT, SHARED_FILE, Architecture

ROOT: Final = Path(__file__).resolve().parent.parent


def regions(directory: Path = ROOT) -> list[str]:
    """Return the Regions that have a cell."""
    return list(_shared(directory, "regions"))


def architecture(directory: Path = ROOT) -> Architecture:
    """Return the processor that the images are for."""
    return Architecture(_shared(directory, "architecture"))


def _shared(directory: Path, key: str) -> Any:
    project: Mapping[str, Any] = yaml.safe_load((directory / SHARED_FILE).read_text(encoding="utf-8"))
    return project["config"][f"{PROJECT}:{key}"]["default"]
