"""A plugin of pytest that takes one safeguard away before the tests import checkout, or notes which conditions it asks.

It is given to `pytest -p tests.mutation.plugin` with the mutant as JSON in the environment variable MERIDIAN_MUTANT.
Nothing is written to the tree: the code is changed as it is imported, and the requests on their way to the model.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from tests.mutation.mutants import (
    ROOT,
    AnyMutant,
    WithoutCatch,
    WithoutCommit,
    WithoutCondition,
    WithoutElement,
    WithoutGuard,
    WithoutState,
    elements_of,
    is_commit,
    is_guard,
)

MUTANT: Final = "MERIDIAN_MUTANT"
NOTES: Final = "MERIDIAN_NOTES"
_SEARCHES: Final = (
    "versions/",
    "test_no_step_that_arrives_late",
    "test_hot_item_faults",
    "test_histories",
    "simulation/",
)
_NEEDS_THE_EMBEDDED_AWS: Final = frozenset({"emulator", "dynamodb_cells", "session_cells", "embedded", "make_table"})


def pytest_configure() -> None:
    """Take the safeguard away, or start to take notes."""
    text = os.environ.get(MUTANT)
    if text:
        _apply(msgspec.json.decode(text, type=AnyMutant))
    notes = os.environ.get(NOTES)
    if notes:
        _take_notes(Path(notes))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what needs the embedded AWS: the model must notice by itself, and quickly."""
    items[:] = sorted((item for item in items if not _needs_the_embedded_aws(item)), key=_slowness)


def _slowness(item: pytest.Item) -> int:
    """Let what searches come last: what says it in one example says it sooner."""
    return next((place for place, name in enumerate(_SEARCHES, 1) if name in item.nodeid), 0)


def _needs_the_embedded_aws(item: pytest.Item) -> bool:
    names: Collection[str] = getattr(item, "fixturenames", ())
    parameters: Mapping[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    chosen = {str(value) for value in parameters.values()}
    return not _NEEDS_THE_EMBEDDED_AWS.isdisjoint(names) or not chosen.isdisjoint({"dynamodb", "embedded"})


def _apply(mutant: AnyMutant) -> None:
    match mutant:
        case WithoutGuard() | WithoutElement() | WithoutCommit():
            sys.meta_path.insert(0, _Finder(mutant.path, mutant))
        case WithoutCondition():
            _intercept(lambda operation, request: _without_condition(operation, request, mutant))
        case WithoutCatch() | WithoutState():
            _change_the_saga(mutant)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the one module that is changed."""

    def __init__(self, path: str, mutant: WithoutGuard | WithoutElement | WithoutCommit) -> None:
        self._name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        self._path = ROOT / path
        self._mutant = mutant

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> Any:  # noqa: ARG002
        """Return the changed module's place."""
        if fullname != self._name:
            return None
        loader = _Loader(fullname, str(self._path), self._mutant)
        places = [str(self._path.parent)] if self._path.name == "__init__.py" else None
        return importlib.util.spec_from_file_location(
            fullname, self._path, loader=loader, submodule_search_locations=places
        )


class _Loader(importlib.machinery.SourceFileLoader):
    """Compiles the module without its safeguard, past every cache."""

    def __init__(self, name: str, path: str, mutant: WithoutGuard | WithoutElement | WithoutCommit) -> None:
        super().__init__(name, path)
        self._mutant = mutant

    def get_code(self, fullname: str) -> Any:
        """Return the changed code."""
        tree = ast.parse(self.get_data(self.get_filename(fullname)))
        changed = ast.fix_missing_locations(_Taker(self._mutant).visit(tree))
        return compile(changed, self.get_filename(fullname), "exec")


class _Taker(ast.NodeTransformer):
    def __init__(self, mutant: WithoutGuard | WithoutElement | WithoutCommit) -> None:
        self._mutant = mutant

    def visit_If(self, node: ast.If) -> Any:
        self.generic_visit(node)
        mutant = self._mutant
        if not (isinstance(mutant, WithoutGuard) and is_guard(node) and node.lineno == mutant.line):
            return node
        # What the condition binds on its way is still bound.
        return ast.Expr(node.test)

    def visit_Call(self, node: ast.Call) -> Any:
        self.generic_visit(node)
        mutant = self._mutant
        if not is_commit(node):
            return node
        if isinstance(mutant, WithoutCommit) and node.lineno == mutant.line:
            return ast.Constant(None)
        if isinstance(mutant, WithoutElement):
            for element in elements_of(node):
                if (element.lineno, element.col_offset) == (mutant.line, mutant.column):
                    for argument in node.args:
                        if isinstance(argument, ast.List) and element in argument.elts:
                            argument.elts.remove(element)
        return node


def _change_the_saga(mutant: WithoutCatch | WithoutState) -> None:
    from components import checkout_saga_states  # noqa: PLC0415 - only where the saga is changed

    define = checkout_saga_states.definition

    def changed(**arguments: Any) -> Mapping[str, Any]:
        machine = define(**arguments)
        state = machine["States"][mutant.state]
        if isinstance(mutant, WithoutCatch):
            state = {field: value for field, value in state.items() if field != "Catch"}
        else:
            state = {"Type": "Pass", **({"Next": state["Next"]} if "Next" in state else {"End": True})}
        return {**machine, "States": {**machine["States"], mutant.state: state}}

    checkout_saga_states.definition = changed


Change = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]


def _intercept(change: Change) -> None:
    from tests.simulation.dynamodb.client import DynamoDbModelClient  # noqa: PLC0415

    call = DynamoDbModelClient._call  # pyright: ignore[reportPrivateUsage]

    def changed(self: Any, operation: str, request: Mapping[str, Any], serve: Any) -> Any:
        return call(self, operation, change(operation, request), serve)

    DynamoDbModelClient._call = changed  # pyright: ignore[reportPrivateUsage]


def _take_notes(path: Path) -> None:
    seen: set[str] = set()

    def note(operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        for kind, action in _actions(operation, request):
            condition = action.get("ConditionExpression")
            if condition is None:
                continue
            name = _name(kind, action)
            for part in parts_of(condition):
                line = msgspec.json.encode(WithoutCondition(action=name, condition=condition, part=part)).decode()
                if line not in seen:
                    seen.add(line)
                    with path.open("a") as file:
                        file.write(line + "\n")
        return request

    _intercept(note)


def _actions(operation: str, request: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    if operation == "TransactWriteItems":
        return [next(iter(one.items())) for one in request["TransactItems"]]
    kind = {"PutItem": "Put", "UpdateItem": "Update", "DeleteItem": "Delete"}.get(operation)
    return [(kind, request)] if kind else []


def _without_condition(operation: str, request: Mapping[str, Any], mutant: WithoutCondition) -> Mapping[str, Any]:
    if operation != "TransactWriteItems":
        stripped = [_stripped(kind, action, mutant) for kind, action in _actions(operation, request)]
        return stripped[0][1] if stripped and stripped[0] is not None else request
    kept = [_stripped(kind, action, mutant) for kind, action in _actions(operation, request)]
    items = [{kind: action} for kind, action in (one for one in kept if one is not None)]
    return {**request, "TransactItems": items}


def _stripped(kind: str, action: Mapping[str, Any], mutant: WithoutCondition) -> tuple[str, Mapping[str, Any]] | None:
    """Return an action without the part of its condition; None where it was nothing but that."""
    condition: str = action.get("ConditionExpression", "")
    if condition != mutant.condition or _name(kind, action) != mutant.action:
        return kind, action
    left = " AND ".join(part for part in parts_of(condition) if part != mutant.part)
    if not left and kind == "ConditionCheck":
        return None
    texts = left + " " + action.get("UpdateExpression", "")
    changed = {name: value for name, value in action.items() if name != "ConditionExpression"}
    if left:
        changed["ConditionExpression"] = left
    for field in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        if field in changed:
            used = {name: value for name, value in changed[field].items() if re.search(rf"{name}\b", texts)}
            changed = {name: value for name, value in changed.items() if name != field} | (
                {field: used} if used else {}
            )
    return kind, changed


def parts_of(condition: str) -> list[str]:
    """Return what a condition asks for, one by one: what stands between the ANDs that are in no brackets."""
    if re.search(r"\bOR\b|\bBETWEEN\b", _outside_brackets(condition)):
        return [condition]
    parts: list[str] = [""]
    depth = 0
    for word in re.split(r"( AND |[()])", condition):
        depth += {"(": 1, ")": -1}.get(word, 0)
        if word == " AND " and depth == 0:
            parts.append("")
        else:
            parts[-1] += word
    return parts


def _outside_brackets(text: str) -> str:
    while (shorter := re.sub(r"\([^()]*\)", "", text)) != text:
        text = shorter
    return text


def _name(kind: str, action: Mapping[str, Any]) -> str:
    """Return what an action does to what kind of item."""
    key = action["Item"] if kind == "Put" else action["Key"]
    return f"{kind} {_kind(key['pk']['S'], 1)}/{_kind(key['sk']['S'], 2)}"


def _kind(text: str, most: int) -> str:
    words = [word for word in text.split("#")[:most] if re.fullmatch(r"[A-Z_]+", word)]
    return "#".join(words) or "*"
