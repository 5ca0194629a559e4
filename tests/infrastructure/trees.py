"""Copies of the program's tree with other configuration, for tests of what configuration alone can do."""

import shutil
from pathlib import Path
from typing import Any, cast

import yaml

from local.program import ROOT

_PYTHON = ("components", "workloads", ".dockerignore", "__main__.py")


def tree_with(directory: Path, *, new_region: str | None = None, cidr: str = "10.48.0.0/16") -> Path:
    """Fill `directory` with the configuration of this tree and links to its code, and add a Region if one is given."""
    for source in ROOT.glob("Pulumi*.yaml"):
        shutil.copy(source, directory / source.name)
    for name in _PYTHON:
        (directory / name).symlink_to(ROOT / name)
    if new_region is not None:
        first = read_yaml(directory / "Pulumi.us-east-1.yaml")
        write_config(directory / f"Pulumi.{new_region}.yaml", {**first["config"], "meridian:cidr": cidr})
        add_region(directory, new_region)
    return directory


def add_region(directory: Path, region: str) -> None:
    """Append a Region to the list in Pulumi.yaml."""
    project = read_yaml(directory / "Pulumi.yaml")
    project["config"]["meridian:regions"]["default"].append(region)
    (directory / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")


def write_config(path: Path, config: dict[str, Any]) -> None:
    """Write a stack's file."""
    path.write_text(yaml.safe_dump({"config": config}), encoding="utf-8")


def change_config(directory: Path, stack: str, **changes: object) -> None:
    """Set keys of a stack's file; None removes one."""
    path = directory / f"Pulumi.{stack}.yaml"
    config = read_yaml(path)["config"]
    for key, value in changes.items():
        config[f"meridian:{key}"] = value
    write_config(path, {key: value for key, value in config.items() if value is not None})


def read_yaml(path: Path) -> dict[str, Any]:
    """Return a YAML file's document."""
    return cast("dict[str, Any]", yaml.safe_load(path.read_text(encoding="utf-8")))
