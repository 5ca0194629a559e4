"""Reads a stack's configuration: a value that can not work stops the program, and the message names the key, the value,
the rule and the file."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final, TypeVar, cast

import pulumi
import yaml
from pulumi.runtime.config import CONFIG, get_config_env
from pulumi_aws import Region
from pydantic import BaseModel, ValidationError

from components.settings.model import (
    GLOBAL_STACK,
    PROJECT,
    SHARED_FILE,
    CellSettings,
    GlobalSettings,
    ServiceSize,
    Settings,
    SettingsError,
    SharedSettings,
)
from components.yaml_files import read_yaml

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

# The commercial partition only: the other partitions have accounts, endpoints and ARNs of their own.
_OTHER_PARTITIONS: Final = ("cn-", "us-gov-", "us-iso", "eu-iso", "eusc-")
_KNOWN_REGIONS: Final = frozenset(r.value for r in Region if not r.value.startswith(_OTHER_PARTITIONS))


@dataclass(frozen=True, kw_only=True)
class _Refusal:
    """Why one value was refused, in the four parts that a person needs to mend it."""

    key: str
    value: object
    rule: str
    file: str

    def __str__(self) -> str:
        shown = "not set" if self.value is None else repr(self.value)
        return f"{self.file}: {self.key} is {shown}; {self.rule}"


def load_settings(directory: Path) -> Settings:
    """Read the running stack's configuration; `directory` holds Pulumi.yaml and the stacks' files."""
    # pulumi.Config answers for a key that one knows; refusing the unknown ones needs the whole map, which the engine
    # hands over as an environment variable and the Automation API's inline programs as a context variable.
    values = {**get_config_env(), **CONFIG.get()}
    return build_settings(stack=pulumi.get_stack(), directory=directory, values=values)


def build_settings(*, stack: str, directory: Path, values: Mapping[str, object]) -> Settings:
    """Make the settings of `stack` from its configuration: full keys, structured values as JSON texts."""
    own_model = GlobalSettings if stack == GLOBAL_STACK else CellSettings
    shared_keys, own_keys = _keys(SharedSettings), _keys(own_model)
    own_file = _stack_file(stack)
    _refuse(_unknown_keys(values, known=shared_keys | own_keys, files=(directory / own_file, directory / SHARED_FILE)))
    _refuse(_shared_keys_of_one_stack(values, shared_keys, directory / own_file))

    shared = _validated(SharedSettings, _only(values, shared_keys), SHARED_FILE)
    _refuse(_broken_rules_of_the_list(shared.regions))
    if stack != GLOBAL_STACK and stack not in shared.regions:
        rule = f"the Region of the stack {stack!r} must be in this list (a stack is {GLOBAL_STACK!r} or a Region)"
        _refuse([_Refusal(key=f"{PROJECT}:regions", value=list(shared.regions), rule=rule, file=SHARED_FILE)])

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


def _stack_file(stack: str) -> str:
    """Return the name of the file that holds what only `stack` says."""
    return f"Pulumi.{stack}.yaml"


def _unknown_keys(values: Mapping[str, object], *, known: frozenset[str], files: Sequence[Path]) -> list[_Refusal]:
    refusals: list[_Refusal] = []
    for key, value in values.items():
        namespace = key.partition(":")[0]
        if key in known or namespace in _OTHER_NAMESPACES:
            continue
        file = next((path.name for path in files if _sets(path, key)), files[0].name)
        rule = f"no such setting: this stack knows {', '.join(sorted(known))}"
        refusals.append(_Refusal(key=key, value=value, rule=rule, file=file))
    return refusals


def _shared_keys_of_one_stack(
    values: Mapping[str, object], shared_keys: frozenset[str], own_file: Path
) -> Iterator[_Refusal]:
    """The engine lets a stack's own file win: a cell would be built from another setting than the stacks it shares."""
    for key, value in values.items():
        if key in shared_keys and _sets(own_file, key):
            rule = f"belongs in {SHARED_FILE}, it holds for all stacks"
            yield _Refusal(key=key, value=value, rule=rule, file=own_file.name)


def _broken_rules_of_the_list(regions: Sequence[str]) -> Iterator[_Refusal]:
    for index, region in enumerate(regions):
        key = f"{PROJECT}:regions[{index}]"
        if region not in _KNOWN_REGIONS:
            rule = "must be an AWS Region of the commercial partition, such as eu-west-1"
            yield _Refusal(key=key, value=region, rule=rule, file=SHARED_FILE)
        if region in regions[:index]:
            yield _Refusal(key=key, value=region, rule="must be listed once", file=SHARED_FILE)


def _broken_task_size(size: ServiceSize, file: str) -> Iterator[_Refusal]:
    if size.maximum < size.minimum:
        rule = f"must not be below sizes.projector.minimum, which is {size.minimum}"
        yield _Refusal(key=f"{PROJECT}:sizes.projector.maximum", value=size.maximum, rule=rule, file=file)
    if size.memory not in _FARGATE_MEMORY[size.cpu]:
        rule = f"Fargate offers {', '.join(map(str, _FARGATE_MEMORY[size.cpu]))} MiB with {size.cpu} CPU units"
        yield _Refusal(key=f"{PROJECT}:sizes.projector.memory", value=size.memory, rule=rule, file=file)


def _overlaps(cidr: IPv4Network, stack: str, directory: Path) -> Iterator[_Refusal]:
    """Compare with every other cell: peering and transit gateways can not route between equal addresses."""
    key = f"{PROJECT}:cidr"
    for path in sorted(directory.glob("Pulumi.*.yaml")):
        if path.name == _stack_file(stack):
            continue
        try:
            theirs = IPv4Network(str(_configuration_in(path).get(key)))
        except ValueError:
            continue  # not a cell's file, or one whose own deployment names the mistake
        if cidr.overlaps(theirs):
            rule = f"must not overlap with {theirs}, which {path.name} uses"
            yield _Refusal(key=key, value=str(cidr), rule=rule, file=_stack_file(stack))


_Model = TypeVar("_Model", bound=BaseModel)


def _validated(model: type[_Model], values: Mapping[str, object], file: str) -> _Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        refusals = [
            _Refusal(
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


def _refuse(refusals: Iterable[_Refusal]) -> None:
    found = list(refusals)
    if found:
        raise SettingsError(_message(found))


def _message(refusals: Sequence[_Refusal]) -> str:
    return "\n".join(str(refusal) for refusal in refusals)
