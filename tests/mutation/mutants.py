"""What can be taken away from checkout: found in its code and in its state machine, not written down by hand."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeGuard

import msgspec

ROOT: Final = Path(__file__).parents[2]
_CHECKOUT: Final = "workloads/checkout"
_DECIDING_LAYERS: Final = (f"{_CHECKOUT}/application", f"{_CHECKOUT}/domain")
_DECIDING_RIM: Final = (
    f"{_CHECKOUT}/adapters/dynamodb.py",
    f"{_CHECKOUT}/adapters/saga.py",
    f"{_CHECKOUT}/entrypoints/saga_starter.py",
)
"""What decides at the rim whether something is written or counts as written; the rest translates, parses and calls."""
_READ_ONLY: Final = frozenset({"queries.py", "pages.py", "audit.py", "books.py", "matching.py"})
"""Modules that decide on no write."""
_COMMITS: Final = frozenset({"commit", "commit_selling", "keep"})
_TELLINGS: Final = frozenset({"announce_returned", "give_back", "put", "wake"})
"""What gives back or tells others without a commit."""
_FIRST_CHANGE: Final = {"commit": 0, "commit_selling": 2}
"""Where the changes begin among a commit's arguments."""


class Kind(StrEnum):
    """A safeguard of the code, and what becomes of it."""

    GUARD = "without the guard"
    """An early return or refusal that never happens."""
    CHECK = "without asking"
    """What is done under a condition is always done."""
    HANDLER = "without the handler of"
    """What was caught is not."""
    ELEMENT = "commits without"
    """A change or an outbox entry that is not committed."""
    COMMIT = "without"
    """A whole commit that does not happen, or what gives back or tells others by itself."""


class CodeMutant(msgspec.Struct, frozen=True, tag=True):
    """A safeguard of the code that is missing; the same text in the same function is told apart by a number."""

    path: str
    line: int
    column: int
    function: str
    kind: Kind
    text: str
    number: int = 1

    @property
    def name(self) -> str:
        """Return what a person calls it; stays the same when other lines come and go."""
        where = self.path.removeprefix(f"{_CHECKOUT}/")
        return f"{where} {self.function} {self.kind} `{self.text}`" + (f" ({self.number})" if self.number > 1 else "")


class ConditionMutant(msgspec.Struct, frozen=True, tag=True, order=True):
    """A part of the condition of a write that is not asked."""

    action: str
    condition: str
    part: str

    @property
    def name(self) -> str:
        """Return what a person calls it."""
        return f"{self.action} without `{self.part}`" + (
            f" of `{self.condition}`" if self.part != self.condition else ""
        )


class SagaMutant(msgspec.Struct, frozen=True, tag=True):
    """A state of the saga that answers without doing anything, or without one of its catches or retries."""

    state: str
    field: str | None = None
    number: int = 0
    text: str = ""

    @property
    def name(self) -> str:
        """Return what a person calls it."""
        if self.field is None:
            return f"the saga without its state {self.state}"
        return f"the saga's state {self.state} without its {self.field.lower()} of {self.text}"


AnyMutant = CodeMutant | ConditionMutant | SagaMutant


def of_the_code() -> list[CodeMutant]:
    """Find every guard, check and handler, every commit and every element of one, in what decides on writes."""
    layers = (path for layer in _DECIDING_LAYERS for path in sorted((ROOT / layer).rglob("*.py")) if _decides(path))
    modules = (*layers, *(ROOT / one for one in _DECIDING_RIM))
    return [mutant for path in modules for mutant in of(path.read_text(), str(path.relative_to(ROOT)))]


def of(source: str, path: str) -> list[CodeMutant]:
    """Find the mutants of one module."""
    seen = Counter[tuple[str, Kind, str]]()
    found: list[CodeMutant] = []
    for function, node, kind in _sites(ast.parse(source), ""):
        text = _text(node)
        seen[function, kind, text] += 1
        found.append(
            CodeMutant(
                path=path,
                line=node.lineno,
                column=node.col_offset,
                function=function,
                kind=kind,
                text=text,
                number=seen[function, kind, text],
            )
        )
    return found


def of_the_saga() -> Iterator[SagaMutant]:
    """Find every state of the saga that does something, and all its catches and retries."""
    # Imported here: who changes the definition has to come first.
    from components.checkout_saga_states import definition  # noqa: PLC0415

    machine = definition(steps_version_arn="steps", repair_queue_url="repairs")
    for name, state in machine["States"].items():
        if state["Type"] != "Task":
            continue
        yield SagaMutant(state=name)
        for field in ("Catch", "Retry"):
            for number, one in enumerate(state.get(field, ())):
                leads = f" to {one['Next']}" if "Next" in one else ""
                text = f"{' and '.join(one['ErrorEquals'])}{leads}"
                yield SagaMutant(state=name, field=field, number=number, text=text)


def is_guard(node: ast.AST) -> TypeGuard[ast.If]:
    """Tell whether this decides by itself to go no further."""
    return (
        isinstance(node, ast.If)
        and not node.orelse
        and len(node.body) == 1
        and isinstance(node.body[0], (ast.Return, ast.Raise, ast.Continue))
    )


def is_check(node: ast.AST) -> TypeGuard[ast.If]:
    """Tell whether something is written, or more is left undone, only under this condition."""
    return (
        isinstance(node, ast.If)
        and not node.orelse
        and not is_guard(node)
        and any(is_commit(inner) or isinstance(inner, (ast.Return, ast.Raise)) for inner in ast.walk(node))
    )


def is_commit(node: ast.AST) -> TypeGuard[ast.Call]:
    """Tell whether this writes: a commit of the store, or the keeping of a command's outcome."""
    return isinstance(node, ast.Call) and bool(node.args) and _function_of(node) in _COMMITS


def is_telling(node: ast.AST) -> TypeGuard[ast.Expr]:
    """Tell whether this statement gives something back or tells others, which no commit does."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _function_of(node.value) in _TELLINGS


def elements_of(node: ast.Call) -> list[ast.expr]:
    """Return the changes and entries that a commit names: those of its lists, and lists that it is given whole."""
    first = _FIRST_CHANGE.get(_function_of(node), len(node.args))
    return [
        element
        for argument in node.args[first:]
        for element in (argument.elts if isinstance(argument, ast.List) else [argument])
    ]


def _decides(path: Path) -> bool:
    return path.name not in _READ_ONLY and "changes" not in path.parts


def _sites(node: ast.AST, function: str) -> Iterator[tuple[str, ast.expr, Kind]]:
    """Return what can be taken away within a node, by the function it is in."""
    for child in ast.iter_child_nodes(node):
        inside = child.name if isinstance(child, ast.FunctionDef) else function
        if is_guard(child):
            yield inside, child.test, Kind.GUARD
        elif is_check(child) and inside:
            yield inside, child.test, Kind.CHECK
        elif isinstance(child, ast.ExceptHandler) and child.type is not None and not _reraises(child):
            yield inside, child.type, Kind.HANDLER
        elif is_telling(child):
            yield inside, child.value, Kind.COMMIT
        elif is_commit(child):
            yield inside, child, Kind.COMMIT
            yield from ((inside, element, Kind.ELEMENT) for element in elements_of(child))
        yield from _sites(child, inside)


def _reraises(handler: ast.ExceptHandler) -> bool:
    """Tell whether a handler only says the same in other words."""
    return len(handler.body) == 1 and isinstance(handler.body[0], ast.Raise)


def _function_of(node: ast.Call) -> str:
    match node.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def _text(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 90 else f"{text[:87]}..."
