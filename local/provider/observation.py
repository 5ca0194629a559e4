"""What a service says about the declared properties of a resource, so that a change by hand is found.

Services answer in their own words: other names, defaults filled in, documents parsed. So nothing is compared with the
declaration; what was observed right after creating or updating is kept and compared with what is observed later.
"""

import json
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Final

from local.handlers.shapes import letters

# Answers wrap what they describe at most so deep: `Configuration.Environment.Variables`.
_DEEPEST: Final = 3
# Maps whose keys are anybody's: one that was added by hand counts as much as one that was changed.
_FREE: Final = frozenset({"tags"})


def observe(inputs: Mapping[str, Any], real: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return, for each declared property that the answer `real` tells about, what it tells.

    `names` gives the property of an API member where letters alone would not find it.
    """
    told: dict[str, Any] = {}
    for member, value in _members(real):
        if member in names:
            told.setdefault(names[member], value)
        told.setdefault(letters(member), value)
    found = {key: told.get(key, told.get(letters(key))) for key in inputs}
    return {key: _comparable(value) for key, value in found.items() if value is not None}


def changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties that are observed otherwise than before, with what is observed now."""
    return {key: now.get(key) for key in before if before[key] != now.get(key)}


def declared_as(observed: Any, declared: Any, *, key: str = "") -> Any:
    """Return an observed value in the form of the declared one, as far as it has that form; `key` is the property's."""
    if key in _FREE and isinstance(observed, dict):
        return observed
    match declared:
        case dict() if isinstance(observed, dict):
            by_letters = {letters(member): value for member, value in observed.items()}
            return {key: declared_as(by_letters.get(letters(key)), value) for key, value in declared.items()}
        case bool():
            return str(observed).lower() == "true"
        case int() if str(observed).lstrip("-").isdigit():
            return int(observed)
        case str() if not isinstance(observed, str):
            return json.dumps(observed, sort_keys=True)
        case _:
            return observed


def _members(real: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Walk the answer breadth first: what stands further out is nearer to the resource."""
    waiting: deque[tuple[int, Mapping[str, Any]]] = deque([(0, real)])
    while waiting:
        depth, structure = waiting.popleft()
        for member, value in structure.items():
            if member == "ResponseMetadata":
                continue
            yield member, value
            if isinstance(value, dict) and depth < _DEEPEST:
                waiting.append((depth + 1, value))


def _comparable(value: Any) -> Any:
    return json.loads(json.dumps(value, sort_keys=True, default=str))
