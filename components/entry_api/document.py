"""Renders the entry API's document: parses the template, fills in where and who, and writes the JSON body.

It adds and removes nothing: what the API is stands in openapi.yaml alone.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from components.yaml_files import read_yaml

TEMPLATE: Final = Path(__file__).with_name("openapi.yaml")

_PLACEHOLDER: Final = re.compile(r"\$\{([A-Za-z]+)\}")
_INVOKED: Final = re.compile(r"functions/\$\{([A-Za-z]+)\}/invocations$")


class PlaceholderError(ValueError):
    """The template and the values that it is rendered with do not fit."""


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """One operation that a function answers, as the template says it."""

    function: str
    """The placeholder that stands for the function's ARN."""
    method: str
    path: str


def render(values: Mapping[str, str]) -> str:
    """Return the body of the API, the same text for the same values; raises PlaceholderError."""
    used: set[str] = set()

    def value_of(match: re.Match[str]) -> str:
        name = match[1]
        if name not in values:
            message = f"{TEMPLATE.name} uses ${{{name}}}, which has no value; there are {', '.join(sorted(values))}"
            raise PlaceholderError(message)
        used.add(name)
        return values[name]

    document = _filled_in(_template(), value_of)
    unused = sorted(values.keys() - used)
    if unused:
        message = f"{TEMPLATE.name} does not use {', '.join(unused)}"
        raise PlaceholderError(message)
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def invocations() -> Iterator[Invocation]:
    """Yield the operations that are answered by a function, in the order of the document."""
    for path, operations in _template()["paths"].items():
        for method, operation in operations.items():
            invoked = _INVOKED.search(operation["x-amazon-apigateway-integration"]["uri"])
            if invoked is not None:
                yield Invocation(function=invoked[1], method=method.upper(), path=path)


@cache
def _template() -> dict[str, Any]:
    return read_yaml(TEMPLATE)


def _filled_in(node: Any, value_of: Any) -> Any:
    match node:
        case dict():
            return {key: _filled_in(value, value_of) for key, value in cast("dict[str, Any]", node).items()}
        case list():
            return [_filled_in(item, value_of) for item in cast("list[Any]", node)]
        case str():
            return _PLACEHOLDER.sub(value_of, node)
        case _:
            return node
