"""What the program's files say: the project, its stacks and their configuration; read without Pulumi."""

import json
from pathlib import Path
from typing import Any, Final

import yaml

from local.errors import UserFacingError
from local.paths import ROOT

GLOBAL_STACK: Final = "global"


class ProgramError(UserFacingError):
    """The program's files are not what this project's layout promises."""


def stack_names(directory: Path = ROOT) -> list[str]:
    """Return the stacks in the order of deployment: the global one, then the Regions of Pulumi.yaml."""
    return [GLOBAL_STACK, *regions(directory)]


def regions(directory: Path = ROOT) -> list[str]:
    """Return the Regions of Pulumi.yaml, which have a cell each."""
    project = project_name(directory)
    declared = _shared_configuration(directory).get(f"{project}:regions")
    if not isinstance(declared, list):
        message = f"{directory / 'Pulumi.yaml'}: {project}:regions is {declared!r}; it must be the list of Regions"
        raise ProgramError(message)
    return [str(region) for region in declared]  # pyright: ignore[reportUnknownVariableType]


def project_name(directory: Path = ROOT) -> str:
    """Return the project's name as Pulumi.yaml gives it."""
    return str(_load_yaml(directory / "Pulumi.yaml")["name"])


def stack_configuration(stack: str, *, directory: Path = ROOT) -> dict[str, str]:
    """Return what the engine would hand to the program: texts, structured values as JSON."""
    project = project_name(directory)
    values = _shared_configuration(directory)
    stack_file = directory / f"Pulumi.{stack}.yaml"
    if not stack_file.exists():
        message = f"there is no {stack_file.name} in {directory}: every stack has its own file"
        raise ProgramError(message)
    for key, value in (_load_yaml(stack_file).get("config") or {}).items():
        values[_qualified(key, project)] = value
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def _shared_configuration(directory: Path) -> dict[str, object]:
    """Project-level config: `key: value`, or a declaration with `value` or `default`."""
    document = _load_yaml(directory / "Pulumi.yaml")
    project = str(document["name"])
    values: dict[str, object] = {}
    for key, declared in (document.get("config") or {}).items():
        match declared:
            case {"value": value} | {"default": value}:
                values[_qualified(key, project)] = value
            case {"type": _}:
                pass  # declared without a value: the stack's file has to give one
            case _:
                values[_qualified(key, project)] = declared
    return values


def _qualified(key: str, project: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _load_yaml(path: Path) -> dict[str, Any]:
    if not path.exists():
        message = f"there is no {path.name} in {path.parent}"
        raise ProgramError(message)
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}
