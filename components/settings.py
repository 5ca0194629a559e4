"""All configuration as one frozen, validated value, read before any resource is made.

Nothing else in the program reads `pulumi.Config`. A value that can not work stops the program here, with a message that
names the key, the value, the rule and the file.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar, cast

import pulumi
import yaml
from pulumi.runtime.config import CONFIG, get_config_env
from pulumi_aws import Region
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from components.checkout_saga_states import LONGEST_WAY_FORWARD_SECONDS
from components.yaml_files import read_yaml

PROJECT: Final = "meridian"
GLOBAL_STACK: Final = "global"
SHARED_FILE: Final = "Pulumi.yaml"


class SettingsError(pulumi.RunError):
    """One or more configuration values can not be deployed; Pulumi shows the message without a stack trace."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why one value was refused, in the four parts that a person needs to mend it."""

    key: str
    value: object
    rule: str
    file: str

    def __str__(self) -> str:
        shown = "not set" if self.value is None else repr(self.value)
        return f"{self.file}: {self.key} is {shown}; {self.rule}"


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


# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html (task CPU and memory)
_FARGATE_MEMORY: Final[Mapping[int, Sequence[int]]] = {
    256: (512, 1024, 2048),
    512: range(1024, 4097, 1024),
    1024: range(2048, 8193, 1024),
    2048: range(4096, 16385, 1024),
    4096: range(8192, 30721, 1024),
}

# Keys of the providers and of the engine are theirs to check.
_OTHER_NAMESPACES: Final = frozenset({"aws", "docker-build", "pulumi"})

_PRIVATE_BLOCKS: Final = (IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16"))

# The commercial partition only: the other partitions have accounts, endpoints and ARNs of their own.
_OTHER_PARTITIONS: Final = ("cn-", "us-gov-", "us-iso", "eu-iso", "eusc-")
KNOWN_REGIONS: Final = frozenset(r.value for r in Region if not r.value.startswith(_OTHER_PARTITIONS))


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class ApiSize(_Section):
    """What the entry API of a cell lets through."""

    requests_per_second: int = Field(ge=1, le=10_000)
    burst: int = Field(ge=1, le=5_000)


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


class _SharedSettings(_Section):
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


def load_settings(directory: Path) -> Settings:
    """Read the running stack's configuration; `directory` holds Pulumi.yaml and the stacks' files."""
    # pulumi.Config answers for a key that one knows; refusing the unknown ones needs the whole map, which the engine
    # hands over as an environment variable and the Automation API's inline programs as a context variable.
    values = {**get_config_env(), **CONFIG.get()}
    return build_settings(stack=pulumi.get_stack(), directory=directory, values=values)


def build_settings(*, stack: str, directory: Path, values: Mapping[str, object]) -> Settings:
    """Make the settings of `stack` from its configuration: full keys, structured values as JSON texts."""
    own_model = GlobalSettings if stack == GLOBAL_STACK else CellSettings
    shared_keys, own_keys = _keys(_SharedSettings), _keys(own_model)
    own_file = stack_file(stack)
    _refuse(_unknown_keys(values, known=shared_keys | own_keys, files=(directory / own_file, directory / SHARED_FILE)))

    shared = _validated(_SharedSettings, _only(values, shared_keys), SHARED_FILE)
    _refuse(_broken_rules_of_the_list(shared.regions))
    if stack != GLOBAL_STACK and stack not in shared.regions:
        rule = f"the Region of the stack {stack!r} must be in this list (a stack is {GLOBAL_STACK!r} or a Region)"
        _refuse([Refusal(key=f"{PROJECT}:regions", value=list(shared.regions), rule=rule, file=SHARED_FILE)])

    own = _validated(own_model, _only(values, own_keys), own_file)
    if isinstance(own, CellSettings):
        _refuse([*_broken_task_size(own.sizes.projector, own_file), *_overlaps(own.cidr, stack, directory)])
    return Settings(
        stack=stack,
        directory=directory,
        domain=shared.domain,
        regions=shared.regions,
        architecture=shared.architecture,
        cell_settings=own if isinstance(own, CellSettings) else None,
        global_settings=own if isinstance(own, GlobalSettings) else None,
    )


def stack_file(stack: str) -> str:
    """Return the name of the file that holds what only `stack` says."""
    return f"Pulumi.{stack}.yaml"


def _unknown_keys(values: Mapping[str, object], *, known: frozenset[str], files: Sequence[Path]) -> list[Refusal]:
    refusals: list[Refusal] = []
    for key, value in values.items():
        namespace = key.partition(":")[0]
        if key in known or namespace in _OTHER_NAMESPACES:
            continue
        file = next((path.name for path in files if _sets(path, key)), files[0].name)
        rule = f"no such setting: this stack knows {', '.join(sorted(known))}"
        refusals.append(Refusal(key=key, value=value, rule=rule, file=file))
    return refusals


def _broken_rules_of_the_list(regions: Sequence[str]) -> Iterator[Refusal]:
    for index, region in enumerate(regions):
        key = f"{PROJECT}:regions[{index}]"
        if region not in KNOWN_REGIONS:
            rule = "must be an AWS Region of the commercial partition, such as eu-west-1"
            yield Refusal(key=key, value=region, rule=rule, file=SHARED_FILE)
        if region in regions[:index]:
            yield Refusal(key=key, value=region, rule="must be listed once", file=SHARED_FILE)


def _broken_task_size(size: ServiceSize, file: str) -> Iterator[Refusal]:
    if size.maximum < size.minimum:
        rule = f"must not be below sizes.projector.minimum, which is {size.minimum}"
        yield Refusal(key=f"{PROJECT}:sizes.projector.maximum", value=size.maximum, rule=rule, file=file)
    if size.memory not in _FARGATE_MEMORY[size.cpu]:
        rule = f"Fargate offers {', '.join(map(str, _FARGATE_MEMORY[size.cpu]))} MiB with {size.cpu} CPU units"
        yield Refusal(key=f"{PROJECT}:sizes.projector.memory", value=size.memory, rule=rule, file=file)


def _overlaps(cidr: IPv4Network, stack: str, directory: Path) -> Iterator[Refusal]:
    """Compare with every other cell: peering and transit gateways can not route between equal addresses."""
    key = f"{PROJECT}:cidr"
    for path in sorted(directory.glob("Pulumi.*.yaml")):
        if path.name == stack_file(stack):
            continue
        try:
            theirs = IPv4Network(str(_configuration_in(path).get(key)))
        except ValueError:
            continue  # not a cell's file, or one whose own deployment names the mistake
        if cidr.overlaps(theirs):
            rule = f"must not overlap with {theirs}, which {path.name} uses"
            yield Refusal(key=key, value=str(cidr), rule=rule, file=stack_file(stack))


_Model = TypeVar("_Model", bound=BaseModel)


def _validated(model: type[_Model], values: Mapping[str, object], file: str) -> _Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        refusals = [
            Refusal(
                key=f"{PROJECT}:{_path(problem['loc'])}",
                value=None if problem["type"] == "missing" else problem["input"],
                rule=_rule(problem["type"], problem["msg"]),
                file=file,
            )
            for problem in error.errors(include_url=False)
        ]
        raise SettingsError(_message(refusals)) from error


def _rule(kind: str, message: str) -> str:
    match kind:
        case "missing":
            return "must be set"
        case "extra_forbidden":
            return "no such setting"
        case _:
            return message.removeprefix("Value error, ")


def _path(location: Sequence[int | str]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".")


def _keys(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(f"{PROJECT}:{field.alias}" for field in model.model_fields.values())


def _only(values: Mapping[str, object], keys: frozenset[str]) -> dict[str, object]:
    return {key.partition(":")[2]: _structured(value) for key, value in values.items() if key in keys}


def _structured(value: object) -> object:
    """Pulumi hands over every value as text; lists and objects are JSON."""
    if not isinstance(value, str) or not value.startswith(("[", "{")):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value  # then the field's own rule refuses the text, with the key's name


def _sets(path: Path, key: str) -> bool:
    return path.exists() and key in _configuration_in(path)


def _configuration_in(path: Path) -> Mapping[str, object]:
    """Return what a file configures; as the engine does, a key without a namespace is taken for the project's own."""
    try:
        document = cast("object", read_yaml(path))
    except yaml.YAMLError as error:
        raise SettingsError(f"{path.name}: can not be read as YAML; {error}") from error
    configuration = cast("Mapping[str, object]", document).get("config") if isinstance(document, dict) else None
    if not isinstance(configuration, dict):
        return {}
    written = cast("Mapping[str, object]", configuration)
    return {key if ":" in key else f"{PROJECT}:{key}": value for key, value in written.items()}


def _refuse(refusals: Iterable[Refusal]) -> None:
    found = list(refusals)
    if found:
        raise SettingsError(_message(found))


def _message(refusals: Sequence[Refusal]) -> str:
    return "\n".join(str(refusal) for refusal in refusals)
