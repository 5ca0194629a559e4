"""Evaluates the IAM policy that a Lambda authorizer answered against one method's ARN."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, cast

INVOKE_ACTION: Final = "execute-api:Invoke"
KNOWN_KEYS: Final = frozenset({"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource"})


class Decision(StrEnum):
    """What a policy says of one call: an explicit deny wins over every allow, nothing said is a deny."""

    ALLOWED = "allowed"
    DENIED = "denied"
    EXPLICITLY_DENIED = "explicitly denied"


class PolicyError(Exception):
    """The authorizer's policy is none that API Gateway could evaluate."""


def evaluate(policy: object, method_arn: str) -> Decision:
    """The decision of `policy` on invoking `method_arn`."""
    if not isinstance(policy, Mapping) or "Statement" not in policy:
        raise PolicyError(f"the policy document must be an object with a Statement, not {policy!r}")
    statements = cast("object", policy["Statement"])
    decision = Decision.DENIED
    for statement in cast("Sequence[object]", statements) if isinstance(statements, list) else [statements]:
        effect, matches = _read(statement, method_arn)
        if not matches:
            continue
        if effect == "Deny":
            return Decision.EXPLICITLY_DENIED
        decision = Decision.ALLOWED
    return decision


def matches(pattern: str, value: str) -> bool:
    """IAM's wildcards: `*` any characters (colons and slashes too), `?` exactly one."""
    return _pattern(pattern).fullmatch(value) is not None


@lru_cache(maxsize=4096)
def _pattern(glob: str) -> re.Pattern[str]:
    return re.compile(re.escape(glob).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def _read(statement: object, method_arn: str) -> tuple[str, bool]:
    if not isinstance(statement, Mapping):
        raise PolicyError(f"a statement must be an object, not {statement!r}")
    fields = cast("Mapping[str, Any]", statement)
    effect = fields.get("Effect")
    if effect not in {"Allow", "Deny"}:
        raise PolicyError(f"a statement's Effect must be Allow or Deny, not {effect!r}")
    if unknown := sorted(set(fields) - KNOWN_KEYS):
        raise PolicyError(f"the laptop's gateway does not evaluate {', '.join(unknown)} in an authorizer's policy")
    action = _one_of(fields, "Action", "NotAction", INVOKE_ACTION.lower(), fold=True)
    return effect, action and _one_of(fields, "Resource", "NotResource", method_arn, fold=False)


def _one_of(fields: Mapping[str, Any], positive: str, negative: str, value: str, *, fold: bool) -> bool:
    if (positive in fields) == (negative in fields):
        raise PolicyError(f"a statement must have {positive} or {negative}, and not both")
    declared = fields.get(positive, fields.get(negative))
    patterns = [declared] if isinstance(declared, str) else declared
    if not isinstance(patterns, list) or not all(
        isinstance(pattern, str) for pattern in cast("list[object]", patterns)
    ):
        raise PolicyError(f"{positive} must be a string or a list of strings, not {declared!r}")
    found = any(matches(pattern.lower() if fold else pattern, value) for pattern in cast("list[str]", patterns))
    return found == (positive in fields)
