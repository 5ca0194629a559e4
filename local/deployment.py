"""The deployment file: what the deployer made of the program, and all that stand-ins, demo and guide know of it."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

FILE_NAME: Final = "deployment.json"

# The credentials of the laptop: the embedded AWS takes any; a key id of twelve digits would name another account.
TEST_CREDENTIALS: Final = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


class Handling(StrEnum):
    """What stands behind a resource on the laptop."""

    EMULATED = "emulated"
    PROCESS = "process"
    STAND_IN = "stand-in"
    RECORDED = "recorded"


class Gateway(BaseModel):
    """Where the entry API of a Region is served."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    port: int
    url: str


class DeployedResource(BaseModel):
    """A resource with its declared inputs and real outputs, in Pulumi's camelCase."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    urn: str
    type: str
    name: str
    parent: str
    stack: str
    region: str
    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    handling: Handling


class Deployment(BaseModel):
    """Everything that was deployed, of all stacks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    emulator_url: str
    account: str
    state_directory: Path
    regions: list[str]
    gateways: dict[str, Gateway]
    resources: list[DeployedResource]
    outputs: dict[str, dict[str, Any]] = Field(description="The exported outputs of each stack.")

    @classmethod
    def load(cls, path: Path) -> "Deployment":
        """Read a deployment file."""
        return cls.model_validate_json(path.read_bytes())

    def save(self, path: Path) -> None:
        """Write the file in one step, so that a reader never sees half of it."""
        partial = path.with_suffix(".partial")
        partial.write_text(self.model_dump_json(), encoding="utf-8")
        partial.replace(path)

    def of_type(self, type_: str, *, region: str | None = None, stack: str | None = None) -> list[DeployedResource]:
        """Return the resources of one type token, of one Region or stack if given."""
        return [
            resource
            for resource in self.resources
            if resource.type == type_
            and (region is None or resource.region == region)
            and (stack is None or resource.stack == stack)
        ]

    def one(self, type_: str, name: str, *, stack: str) -> DeployedResource:
        """Return the resource of a stack with this type and logical name."""
        found = [resource for resource in self.of_type(type_, stack=stack) if resource.name == name]
        if len(found) != 1:
            message = f"stack {stack} has {len(found)} resources {name!r} of type {type_}, not one"
            raise LookupError(message)
        return found[0]

    def environment(self, region: str) -> dict[str, str]:
        """Return the variables with which an AWS SDK in a child process finds the embedded AWS."""
        return {
            **os.environ,
            **TEST_CREDENTIALS,
            "AWS_ENDPOINT_URL": self.emulator_url,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
        }
