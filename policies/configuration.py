"""What can be configured: parameters of rules with their defaults, this project's values, and facts of the program.

A value comes from, in this order: the file given to `--policy-pack-config`, `configuration.yaml` beside this module,
the program's own configuration (its list of Regions, whether the stack is ephemeral), the default in the code.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from policies.exemptions import Exemption

FILE: Final = Path(__file__).with_name("configuration.yaml")
PROJECT: Final = "meridian"


class ConfigurationError(Exception):
    """A value can not configure its rule."""


class Parameters(BaseModel):
    """The parameters of a rule; every rule has exemptions, most have nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    exemptions: tuple[Exemption, ...] = ()
    """Resources that may break this rule for a while."""


def read(rule: str, model: type[Parameters], given: Mapping[str, Any] | None) -> Parameters:
    """Return a rule's parameters from what was configured; raises ConfigurationError."""
    try:
        return model.model_validate(dict(given or {}))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))} is {problem['input']!r}: {problem['msg']}"
            for problem in error.errors(include_url=False)
        )
        message = f"the configuration of {rule!r} can not be used: {problems}"
        raise ConfigurationError(message) from error


def schema(model: type[Parameters]) -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each parameter, which the engine checks a configuration against."""
    document = model.model_json_schema(by_alias=True)
    definitions = document.get("$defs", {})
    return {name: _inlined(part, definitions) for name, part in document["properties"].items()}


def of_this_project(
    program: Mapping[str, str], models: Mapping[str, type[Parameters]], *, file: Path = FILE
) -> dict[str, dict[str, Any]]:
    """Return the configuration of each rule that differs from the code's defaults; raises ConfigurationError.

    `program` is the configuration of the stack as the engine hands it over: texts, structured values as JSON.
    """
    written: dict[str, dict[str, Any]] = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    unknown = sorted(written.keys() - models.keys())
    if unknown:
        message = f"{file.name} configures {', '.join(unknown)}, but there is no such rule"
        raise ConfigurationError(message)
    facts = _facts(program)
    configured: dict[str, dict[str, Any]] = {}
    for rule, model in models.items():
        known = {alias for field in model.model_fields.values() if (alias := field.alias)}
        values = {key: value for key, value in facts.items() if key in known} | (written.get(rule) or {})
        if values:
            # Validated here, so that a mistake is named with its rule before anything is checked by it.
            parameters = read(rule, model, values)
            configured[rule] = parameters.model_dump(
                mode="json", by_alias=True, include={_field(model, k) for k in values}
            )
    return configured


def _facts(program: Mapping[str, str]) -> dict[str, Any]:
    """Read what the program's own configuration says: parameters of the same name take it for their default."""
    facts: dict[str, Any] = {}
    for key in ("regions", "ephemeral"):
        value = program.get(f"{PROJECT}:{key}")
        if value is not None:
            facts[key] = json.loads(value)
    return facts


def _field(model: type[Parameters], alias: str) -> str:
    return next(name for name, field in model.model_fields.items() if alias in (name, field.alias))


def _inlined(node: Any, definitions: Mapping[str, Any]) -> Any:
    """The engine checks each property on its own, where a reference into the whole document leads nowhere."""
    match node:
        case {"$ref": str(reference)}:
            return _inlined(definitions[reference.rsplit("/", 1)[-1]], definitions)
        case dict():
            return {key: _inlined(value, definitions) for key, value in node.items() if key != "title"}
        case list():
            return [_inlined(member, definitions) for member in node]
        case _:
            return node
