"""Finds the operation of a path: literal segments win over parameters, parameters over a greedy `{proxy+}`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from local.standins.gateway.definition import Operation

_PARAMETER = re.compile(r"\{(?P<name>[^}+]+)(?P<greedy>\+?)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """An operation and the values of its path parameters."""

    operation: Operation
    path_parameters: Mapping[str, str]


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict["str", "_Node"])
    parameter: tuple[str, _Node] | None = None
    greedy: tuple[str, _Node] | None = None
    operations: dict[str, Operation] = field(default_factory=dict[str, Operation])


class Router:
    """A tree of path segments."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._root = _Node()
        for operation in operations:
            node = self._root
            for segment in _segments(operation.resource):
                node = _child(node, segment)
            node.operations[operation.method] = operation

    def find(self, method: str, raw_path: str) -> Route | None:
        """The route of `raw_path` (still percent-encoded), or None where API Gateway knows no such method."""
        return _find(self._root, method, _segments(raw_path), {})


def _segments(path: str) -> list[str]:
    # One trailing slash is the same resource to API Gateway: /orders/ reaches /orders.
    return [] if path in {"", "/"} else path.removesuffix("/").removeprefix("/").split("/")


def _child(node: _Node, segment: str) -> _Node:
    match = _PARAMETER.fullmatch(segment)
    if match is None:
        return node.literals.setdefault(segment, _Node())
    if match["greedy"]:
        node.greedy = node.greedy or (match["name"], _Node())
        return node.greedy[1]
    node.parameter = node.parameter or (match["name"], _Node())
    return node.parameter[1]


def _find(node: _Node, method: str, segments: list[str], values: Mapping[str, str]) -> Route | None:
    if not segments:
        operation = node.operations.get(method) or node.operations.get("ANY")
        return Route(operation, values) if operation else None
    head, rest = segments[0], segments[1:]
    if (literal := node.literals.get(unquote(head))) and (route := _find(literal, method, rest, values)):
        return route
    if node.parameter and head:
        name, child = node.parameter
        if route := _find(child, method, rest, {**values, name: unquote(head)}):
            return route
    if node.greedy:
        name, child = node.greedy
        return _find(child, method, [], {**values, name: unquote("/".join(segments))})
    return None
