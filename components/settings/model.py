"""What can be configured, with its bounds."""

from collections.abc import Mapping
from enum import StrEnum
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Final, Literal

import pulumi
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from components.checkout_saga_states import LONGEST_WAY_FORWARD_SECONDS

PROJECT: Final = "meridian"
GLOBAL_STACK: Final = "global"
SHARED_FILE: Final = "Pulumi.yaml"
_PRIVATE_BLOCKS: Final = (IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16"))


class SettingsError(pulumi.RunError):
    """One or more configuration values can not be deployed; Pulumi shows the message without a stack trace."""


class Architecture(StrEnum):
    """The processor of every function, task and image."""

    ARM64 = "arm64"
    X86_64 = "x86_64"


class Context(StrEnum):
    """The bounded contexts that are images."""

    IDENTITY = "identity"
    CHECKOUT = "checkout"
    LOYALTY = "loyalty"
    SINGLE_VIEW = "singleview"


def _is_private_block_of_a_workable_size(block: IPv4Network) -> IPv4Network:
    if not any(block.subnet_of(private) for private in _PRIVATE_BLOCKS):
        raise ValueError(f"must lie in one of the private ranges {', '.join(map(str, _PRIVATE_BLOCKS))}")
    if not 16 <= block.prefixlen <= 22:
        raise ValueError("must be between /16 (the largest VPC) and /22 (room for three subnets that can grow)")
    return block


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class ApiSize(_Section):
    """What the entry API of a cell lets through: no more than the account's quotas in the Region, 10,000 a second and a
    burst of 5,000 until AWS has raised them (API Gateway Developer Guide, quotas)."""

    requests_per_second: int = Field(ge=1, le=100_000)
    burst: int = Field(ge=1, le=50_000)


class FunctionSize(_Section):
    """What each function of a cell gets; CPU follows the memory."""

    memory: int = Field(ge=128, le=10_240)


class ServiceSize(_Section):
    """A Fargate service: the size of a task, and how many of them."""

    cpu: Literal[256, 512, 1024, 2048, 4096]
    memory: int = Field(ge=512, le=30_720)
    minimum: int = Field(ge=1, le=100)
    maximum: int = Field(ge=1, le=100)


class OrderLimits(_Section):
    """How many orders a cell takes: of one customer, and in all before those that wait to begin are too many."""

    burst: int = Field(default=50, ge=1, le=10_000)
    """So many orders of a customer at once; alike in all cells, because the customer's home counts."""
    per_minute: int = Field(default=300, ge=1, le=60_000)
    """So fast a customer's burst fills again."""
    saga_starts_per_second: int = Field(default=300, ge=1, le=100_000)
    """How many orders begin a second: from it follow the starter's concurrency and the bound of the queue. While there
    is stock each may start a saga, so it is what the account allows: StartExecution of Standard workflows has 300 by
    default in the largest Regions, 150 in the others (Step Functions Developer Guide, service quotas)."""
    longest_saga_wait: int = Field(default=10, ge=1, le=3600)
    """Seconds that an order may wait to begin before the next ones are answered 503."""
    reservation_minutes: int = Field(default=15, ge=LONGEST_WAY_FORWARD_SECONDS // 60 + 1, le=1440)
    """How long an order may hold its units before it is complete: longer than its saga's longest way forward."""


class Sizes(_Section):
    """The sizes of one cell."""

    api: ApiSize
    functions: FunctionSize
    projector: ServiceSize
    orders: OrderLimits = OrderLimits()


class CellSettings(_Section):
    """What only one cell says (`Pulumi.<region>.yaml`)."""

    cidr: Annotated[IPv4Network, AfterValidator(_is_private_block_of_a_workable_size)]
    sizes: Sizes
    nat: bool = False
    owns_api_log_role: bool = True
    """False where somebody else sets API Gateway's log role: there is one for each account and Region."""
    hot_item_queues: int = Field(default=2, ge=1, le=20)
    """How many SKUs can be hot at a time: each uses one queue of tokens."""
    ephemeral: bool = False


class GlobalSettings(_Section):
    """What only the global stack says (`Pulumi.global.yaml`)."""

    ephemeral: bool = False
    owns_ecs_service_linked_role: bool = True
    """False in an account that has it already: see `components.global_roles`."""
    image_digests: Mapping[Context, Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]] | None = None


class SharedSettings(_Section):
    """What all stacks say (`Pulumi.yaml`)."""

    domain: str = Field(max_length=200, pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$")
    regions: tuple[str, ...] = Field(min_length=1)
    architecture: Architecture


class Settings(BaseModel):
    """Everything that can be configured, for the stack that is being deployed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stack: str
    directory: Path
    domain: str
    regions: tuple[str, ...]
    architecture: Architecture
    cell_settings: CellSettings | None = None
    global_settings: GlobalSettings | None = None

    @property
    def is_global(self) -> bool:
        """Whether this is the stack of what replicates or exists once."""
        return self.global_settings is not None

    @property
    def region(self) -> str:
        """The Region of this cell; the stack is named after it."""
        if self.cell_settings is None:
            raise SettingsError(f"the stack {self.stack!r} has no Region: it spans {', '.join(self.regions)}")
        return self.stack

    @property
    def other_regions(self) -> tuple[str, ...]:
        """The Regions of the other cells, in the order of the list."""
        return tuple(region for region in self.regions if region != self.region)

    @property
    def cell(self) -> CellSettings:
        """What only this cell says."""
        if self.cell_settings is None:
            raise SettingsError(f"the stack {self.stack!r} is no cell: only Regions have cell settings")
        return self.cell_settings

    @property
    def global_(self) -> GlobalSettings:
        """What only the global stack says."""
        if self.global_settings is None:
            raise SettingsError(f"the stack {self.stack!r} is a cell: global settings are those of {GLOBAL_STACK!r}")
        return self.global_settings

    @property
    def ephemeral(self) -> bool:
        """Whether this stack may be destroyed with its data."""
        return self.global_.ephemeral if self.is_global else self.cell.ephemeral
