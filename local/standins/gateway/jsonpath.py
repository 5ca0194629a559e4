"""The part of JSONPath that mapping templates use: `$`, `.name`, `['name']`, `[n]`, `[*]`, `.*`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final, TypeAlias, cast

_STEP: Final = re.compile(
    r"""(?P<all>\.\*|\[\*\])|\.(?P<name>[\w-]+)|\[(?P<quote>['"])(?P<key>.*?)(?P=quote)\]|\[(?P<index>-?\d+)\]"""
)

Step: TypeAlias = "str | int | None"


class JsonPathError(Exception):
    """The expression is outside of the supported part of JSONPath."""


def find(document: Any, expression: str) -> list[Any]:
    """All values that `expression` selects."""
    found = [document]
    for step in _steps(expression):
        found = [child for value in found for child in _children(value, step)]
    return found


def is_definite(expression: str) -> bool:
    """Whether the expression selects at most one value."""
    return None not in _steps(expression)


@lru_cache(maxsize=1024)
def _steps(expression: str) -> tuple[Step, ...]:
    if not expression.startswith("$"):
        raise JsonPathError(f"{expression!r} does not start with $")
    steps: list[Step] = []
    position = 1
    while position < len(expression):
        match = _STEP.match(expression, position)
        if match is None:
            raise JsonPathError(f"{expression!r}: {expression[position:]!r} is not supported by the laptop's gateway")
        if match["all"]:
            steps.append(None)
        elif match["index"]:
            steps.append(int(match["index"]))
        else:
            steps.append(match["name"] or match["key"])
        position = match.end()
    return tuple(steps)


def _children(value: Any, step: Step) -> list[Any]:
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        if step is None:
            return list(fields.values())
        return [fields[step]] if isinstance(step, str) and step in fields else []
    if isinstance(value, list):
        items = cast("list[Any]", value)
        if step is None:
            return items
        return [items[step]] if isinstance(step, int) and -len(items) <= step < len(items) else []
    return []
