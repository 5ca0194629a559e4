"""Checkout's code as it is imported for the gate: each safeguard asks, as it runs, whether it is there.

So the code is imported once, and a run without any mutant tells which tests come by which safeguard.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import CodeType, ModuleType
from typing import Any, Final, TypeVar

from tests.mutation.mutants import (
    ROOT,
    CodeMutant,
    Kind,
    elements_of,
    is_check,
    is_commit,
    is_guard,
    is_telling,
)

T = TypeVar("T")

NAME: Final = "_safeguards"


class Safeguards:
    """Which safeguard is missing, and which ones the code came by since somebody looked."""

    def __init__(self) -> None:
        self.missing = ""
        self._met: set[str] = set()

    def met(self) -> frozenset[str]:
        """Return the safeguards that were come by, and begin anew."""
        met, self._met = frozenset(self._met), set()
        return met

    def meet(self, name: str) -> bool:
        """Tell whether a safeguard is there."""
        self._met.add(name)
        return name != self.missing

    def decided(self, name: str, decision: T) -> T | bool:
        """Return what a guard decided: nothing where it is missing."""
        return decision and self.meet(name) and decision

    def asked(self, name: str, answer: T) -> T | bool:
        """Return what a check answered: yes where it is missing."""
        return answer or not self.meet(name)


SAFEGUARDS: Final = Safeguards()


def install(mutants: Sequence[CodeMutant]) -> None:
    """Have the modules of these mutants imported with their switches."""
    paths = dict.fromkeys(mutant.path for mutant in mutants)
    sys.meta_path.insert(0, _Finder({path: [one for one in mutants if one.path == path] for path in paths}))


def with_switches(source: bytes | str, mutants: Sequence[CodeMutant], path: str) -> CodeType:
    """Compile a module that asks what it knows as NAME whether each of these safeguards is there."""
    changed = ast.fix_missing_locations(_Switching(mutants).visit(ast.parse(source)))
    return compile(changed, path, "exec")


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the modules that have switches."""

    def __init__(self, mutants: dict[str, list[CodeMutant]]) -> None:
        self._mutants = {
            path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): (ROOT / path, of_path)
            for path, of_path in mutants.items()
        }

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: object = None) -> Any:  # noqa: ARG002
        """Return a module's place; the release before, whose packages lie elsewhere, stays as it is."""
        file, mutants = self._mutants.get(fullname, (None, []))
        if file is None:
            return None
        is_package = file.name == "__init__.py"
        if str(file.parent.parent if is_package else file.parent) not in (path or ()):
            return None
        return importlib.util.spec_from_file_location(
            fullname,
            file,
            loader=_Loader(fullname, str(file), mutants),
            submodule_search_locations=[str(file.parent)] if is_package else None,
        )


class _Loader(importlib.machinery.SourceFileLoader):
    """Compiles a module with its switches, past every cache."""

    def __init__(self, name: str, path: str, mutants: Sequence[CodeMutant]) -> None:
        super().__init__(name, path)
        self._mutants = mutants

    def get_code(self, fullname: str) -> Any:
        """Return the changed code."""
        return with_switches(self.get_data(self.get_filename(fullname)), self._mutants, self.get_filename(fullname))

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, which finds the switches under a name of its own."""
        vars(module)[NAME] = SAFEGUARDS
        super().exec_module(module)


class _Switching(ast.NodeTransformer):
    """Puts a switch at each safeguard of a module."""

    def __init__(self, mutants: Sequence[CodeMutant]) -> None:
        self._names = {(one.kind, one.line, one.column): one.name for one in mutants}

    def visit_If(self, node: ast.If) -> Any:
        """Let a guard and a check be asked, so that what they bind on their way is bound."""
        name = self._name(Kind.GUARD, node.test) if is_guard(node) else None
        if name is not None:
            node.test = _call("decided", name, node.test)
        elif is_check(node) and (name := self._name(Kind.CHECK, node.test)):
            node.test = _call("asked", name, node.test)
        return self.generic_visit(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> Any:
        """Let an exception go on that is not caught any more."""
        self.generic_visit(node)
        if node.type is not None and (name := self._name(Kind.HANDLER, node.type)):
            node.body.insert(0, ast.If(ast.UnaryOp(ast.Not(), _call("meet", name)), [ast.Raise()], []))
        return node

    def visit_Expr(self, node: ast.Expr) -> Any:
        """Let what gives back or tells others be left out."""
        self.generic_visit(node)
        if is_telling(node) and (name := self._name(Kind.COMMIT, node.value)):
            node.value = ast.IfExp(_call("meet", name), node.value, ast.Constant(None))
        return node

    def visit_Call(self, node: ast.Call) -> Any:
        """Let a commit leave out what is missing, or itself."""
        if not is_commit(node):
            return self.generic_visit(node)
        name = self._name(Kind.COMMIT, node)
        names = {id(element): self._name(Kind.ELEMENT, element) for element in elements_of(node)}
        starred = isinstance(node.func, ast.Name)
        for place, argument in enumerate(node.args):
            if isinstance(argument, ast.List):
                argument.elts = [_if_there(names.get(id(one)), one) for one in argument.elts]
            elif element := names.get(id(argument)):
                node.args[place] = (
                    _if_there(element, argument)
                    if starred
                    else ast.IfExp(_call("meet", element), argument, ast.Tuple([], ast.Load()))
                )
        self.generic_visit(node)
        return ast.IfExp(_call("meet", name), node, ast.Constant(None)) if name else node

    def _name(self, kind: Kind, node: ast.expr) -> str | None:
        return self._names.get((kind, node.lineno, node.col_offset))


def _if_there(name: str | None, element: ast.expr) -> ast.expr:
    """Return an element of a list, or nothing where it is missing."""
    if name is None:
        return element
    values = element.value if isinstance(element, ast.Starred) else ast.List([element], ast.Load())
    return ast.Starred(ast.IfExp(_call("meet", name), values, ast.Tuple([], ast.Load())), ast.Load())


def _call(method: str, *arguments: str | ast.expr) -> ast.Call:
    values = [one if isinstance(one, ast.expr) else ast.Constant(one) for one in arguments]
    return ast.Call(ast.Attribute(ast.Name(NAME, ast.Load()), method, ast.Load()), values, [])
