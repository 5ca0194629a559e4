"""The conditions that checkout's writes ask, as its requests to the model of DynamoDB show them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from tests.mutation.mutants import ConditionMutant
from tests.simulation.dynamodb.client import DynamoDbModelClient

Action = tuple[str, Mapping[str, Any]]
_CALL = DynamoDbModelClient._call  # pyright: ignore[reportPrivateUsage]


class Conditions:
    """Which part of a condition is not asked, and which ones were since somebody looked."""

    def __init__(self) -> None:
        self.missing: ConditionMutant | None = None
        self._asked: set[ConditionMutant] = set()
        self._denied: set[ConditionMutant] = set()

    def install(self) -> None:
        """Stand between every client of the model and the model."""

        def call(client: DynamoDbModelClient, operation: str, request: Mapping[str, Any], serve: Any) -> Any:
            asked = [list(_parts(action)) for action in _actions(operation, request)]
            self._asked.update(*asked)
            changed = request if self.missing is None else _without(operation, request, self.missing)
            try:
                return _CALL(client, operation, changed, serve)
            except ClientError as error:
                for parts, denied in zip(asked, _denials(error, len(asked)), strict=True):
                    self._denied.update(parts if denied else ())
                raise

        DynamoDbModelClient._call = call  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]

    def met(self) -> tuple[frozenset[ConditionMutant], frozenset[ConditionMutant]]:
        """Return what was asked, and what was asked and denied, and begin anew."""
        met = frozenset(self._asked), frozenset(self._denied)
        self._asked, self._denied = set(), set()
        return met


def _denials(error: ClientError, actions: int) -> list[bool]:
    """Tell for each action of a request whether its condition was why the request failed."""
    reasons = error.response.get("CancellationReasons")
    if reasons is not None:
        return [reason.get("Code") == "ConditionalCheckFailed" for reason in reasons]
    return [error.response.get("Error", {}).get("Code") == "ConditionalCheckFailedException"] * actions


def _actions(operation: str, request: Mapping[str, Any]) -> list[Action]:
    if operation == "TransactWriteItems":
        return [next(iter(one.items())) for one in request["TransactItems"]]
    kind = {"PutItem": "Put", "UpdateItem": "Update", "DeleteItem": "Delete"}.get(operation)
    return [(kind, request)] if kind else []


def _parts(action: Action) -> Iterator[ConditionMutant]:
    condition: str = action[1].get("ConditionExpression", "")
    for part in parts_of(condition) if condition else ():
        yield ConditionMutant(action=_name(action), condition=condition, part=part)


def _without(operation: str, request: Mapping[str, Any], mutant: ConditionMutant) -> Mapping[str, Any]:
    stripped = [_stripped(action, mutant) for action in _actions(operation, request)]
    if operation == "TransactWriteItems":
        return {**request, "TransactItems": [{one[0]: one[1]} for one in stripped if one is not None]}
    return stripped[0][1] if stripped and stripped[0] is not None else request


def _stripped(action: Action, mutant: ConditionMutant) -> Action | None:
    """Return an action without the part of its condition; None where it was nothing but that."""
    kind, request = action
    condition: str = request.get("ConditionExpression", "")
    if condition != mutant.condition or _name(action) != mutant.action:
        return action
    left = " AND ".join(part for part in parts_of(condition) if part != mutant.part)
    if not left and kind == "ConditionCheck":
        return None
    texts = left + " " + request.get("UpdateExpression", "")
    changed = {name: value for name, value in request.items() if name != "ConditionExpression"}
    if left:
        changed["ConditionExpression"] = left
    for field in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        if field in changed:
            used = {name: value for name, value in changed.pop(field).items() if re.search(rf"{name}\b", texts)}
            changed |= {field: used} if used else {}
    return kind, changed


def parts_of(condition: str) -> list[str]:
    """Return what a condition asks for, one by one: what stands between the ANDs that are in no brackets."""
    if re.search(r"\bOR\b", _outside_brackets(condition)):
        return [condition]
    parts: list[str] = [""]
    depth = 0
    for word in re.split(r"( AND |[()])", condition):
        depth += {"(": 1, ")": -1}.get(word, 0)
        is_of_a_range = re.search(r"BETWEEN \S+$", parts[-1])
        if word == " AND " and depth == 0 and not is_of_a_range:
            parts.append("")
        else:
            parts[-1] += word
    return parts


def _outside_brackets(text: str) -> str:
    while (shorter := re.sub(r"\([^()]*\)", "", text)) != text:
        text = shorter
    return text


def _name(action: Action) -> str:
    """Return what an action does to what kind of item."""
    kind, request = action
    key = request["Item"] if kind == "Put" else request["Key"]
    if "outbox" in request["TableName"]:
        return f"{kind} of an event of {_kind(key['pk']['S'], 1)}"
    return f"{kind} {_kind(key['pk']['S'], 1)}/{_kind(key['sk']['S'], 2)}"


def _kind(text: str, most: int) -> str:
    words = [word for word in text.split("#")[:most] if re.fullmatch(r"[A-Z_]+", word)]
    return "#".join(words) or "*"
