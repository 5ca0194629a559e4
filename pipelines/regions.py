"""The Regions in the order in which their cells are deployed: the list in Pulumi.yaml."""

from pathlib import Path
from typing import Final

import yaml

ROOT: Final = Path(__file__).resolve().parent.parent


def regions(directory: Path = ROOT) -> list[str]:
    """Return the list."""
    project = yaml.safe_load((directory / "Pulumi.yaml").read_text(encoding="utf-8"))
    return list(project["config"]["meridian:regions"]["default"])
