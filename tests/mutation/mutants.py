"""What can be taken away from checkout: found in its code and in its state machine, not written down by hand."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeGuard

import msgspec

ROOT: Final = Path(__file__).parents[2]
_APPLICATION: Final = "workloads/checkout/application"
_READ_ONLY: Final = frozenset({"queries.py", "pages.py", "audit.py"})
"""Modules that decide on no write."""
_COMMITS: Final = frozenset({"commit", "commit_selling", "keep"})


class Mutant(msgspec.Struct, frozen=True, tag=True):
    """One safeguard that is missing."""

    @property
    def name(self) -> str:
        """Return what a person calls it."""
        raise NotImplementedError


class WithoutGuard(Mutant, frozen=True, tag=True):
    """An early return or refusal of a use case that never happens."""

    path: str
    line: int
    text: str

    @property
    def name(self) -> str:
        """Return what a person calls it."""
        return f"{self.path}:{self.line} without the guard `{self.text}`"


class WithoutElement(Mutant, frozen=True, tag=True):
    """A change or an outbox entry that is not committed."""

    path: str
    line: int
    column: int
    text: str

    @property
    def name(self) -> str:
        """Return what a person calls it."""
        return f"{self.path}:{self.line} commits without `{self.text}`"


class WithoutCommit(Mutant, frozen=True, tag=True):
    """A whole commit that does not happen."""

    path: str
    line: int
    text: str

    @property
    def name(self) -> str:
        """Return what a person calls it."""
        return f"{self.path}:{self.line} without `{self.text}`"


class WithoutCondition(Mutant, frozen=True, tag=True):
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


class WithoutCatch(Mutant, frozen=True, tag=True):
    """A state of the saga whose failure nobody catches."""

    state: str

    @property
    def name(self) -> str:
        """Return what a person calls it."""
        return f"the saga's state {self.state} without its catches"


class WithoutState(Mutant, frozen=True, tag=True):
    """A state of the saga that answers without doing anything."""

    state: str

    @property
    def name(self) -> str:
        """Return what a person calls it."""
        return f"the saga without its state {self.state}"


AnyMutant = WithoutGuard | WithoutElement | WithoutCommit | WithoutCondition | WithoutCatch | WithoutState


def of_the_code() -> Iterator[AnyMutant]:
    """Find every guard, every commit and every element of one in the use cases."""
    for path in sorted((ROOT / _APPLICATION).rglob("*.py")):
        if path.name in _READ_ONLY or "changes" in path.parts:
            continue
        relative = str(path.relative_to(ROOT))
        for node in ast.walk(ast.parse(path.read_text())):
            if is_guard(node):
                yield WithoutGuard(path=relative, line=node.lineno, text=_text(node.test))
            elif isinstance(node, ast.Call) and is_commit(node):
                for element in elements_of(node):
                    yield WithoutElement(
                        path=relative, line=element.lineno, column=element.col_offset, text=_text(element)
                    )
                yield WithoutCommit(path=relative, line=node.lineno, text=_text(node))


def of_the_saga() -> Iterator[AnyMutant]:
    """Find every state of the saga that does something, and every state that catches."""
    # Imported here: the program is not needed where a mutant is applied.
    from components.checkout_saga_states import definition  # noqa: PLC0415

    machine = definition(steps_version_arn="steps", repair_queue_url="repairs")
    for name, state in machine["States"].items():
        if state["Type"] == "Task":
            yield WithoutState(state=name)
            if "Catch" in state:
                yield WithoutCatch(state=name)


def is_guard(node: ast.AST) -> TypeGuard[ast.If]:
    """Tell whether this decides by itself to go no further."""
    return (
        isinstance(node, ast.If)
        and not node.orelse
        and len(node.body) == 1
        and isinstance(node.body[0], (ast.Return, ast.Raise, ast.Continue))
    )


def is_commit(node: ast.Call) -> bool:
    """Tell whether this writes: a commit of the store, or the keeping of a command's outcome."""
    function = node.func
    if not node.args:
        return False
    if isinstance(function, ast.Attribute):
        return function.attr in _COMMITS
    return isinstance(function, ast.Name) and function.id in _COMMITS


def elements_of(node: ast.Call) -> list[ast.expr]:
    """Return the changes and entries that a commit lists."""
    lists = [argument for argument in node.args if isinstance(argument, ast.List)]
    return [element for one in lists for element in one.elts]


def _text(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 90 else f"{text[:87]}..."
