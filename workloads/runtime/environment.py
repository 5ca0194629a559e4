"""Reads a workload's settings from its environment, with an error that names what is missing."""

from __future__ import annotations

import os


class MissingSettingError(RuntimeError):
    """A variable that the component should have set is absent or empty."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the environment variable {name} is not set: the component that deploys this workload sets it"
        )
        self.name = name


def required(name: str) -> str:
    """Return the value; raises MissingSettingError."""
    value = os.environ.get(name, "")
    if not value:
        raise MissingSettingError(name)
    return value


def region() -> str:
    """Return the Region that this workload runs in."""
    return required("AWS_REGION")


def regions() -> tuple[str, ...]:
    """Return all Regions of the system, in the order of the configuration."""
    return tuple(required("MERIDIAN_REGIONS").split(","))
