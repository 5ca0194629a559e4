"""Whether an event fits a rule's pattern, as far as the patterns of this program go: lists of exact texts."""

from collections.abc import Mapping
from typing import Any


def matches(pattern: Mapping[str, Any], occurred: Mapping[str, Any]) -> bool:
    """Tell whether every key of the pattern is in the event with one of the values, at any depth."""
    for key, wanted in pattern.items():
        value = occurred.get(key)
        match wanted:
            case dict():
                if not isinstance(value, Mapping) or not matches(wanted, value):
                    return False
            case list() if all(isinstance(text, str) for text in wanted):
                if value not in wanted:
                    return False
            case _:
                raise NotImplementedError(f"{key}: {wanted!r}")
    return True
