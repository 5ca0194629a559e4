"""Each test of the program is seen to fail: it is called with a defect planted into what it looks at."""

import ast
import importlib
import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Set
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from local.program import ROOT
from local.recording import Graph
from tests.infrastructure.entry_api.requests import EmbeddedAws, gateway
from tests.infrastructure.planted import cells, operations, shared, systems
from tests.infrastructure.planted.planting import AnyDefect, DeployedDefect, ProgramDefect, planted_graphs
from tests.policies.planting import CELL, GLOBAL

PREVIEWS: Final = ("preview_graphs", "three_region_previews")
PACKAGE: Final = "tests.infrastructure"
PLANTED: Final = {**shared.PLANTED, **cells.PLANTED, **systems.PLANTED, **operations.PLANTED}
PLANTS_ITS_OWN: Final[Mapping[str, str]] = {
    "planted.test_planted_defects::test_a_planted_defect_is_caught": "calls every other test with its defects",
    "planted.test_planted_defects::test_without_a_defect_it_passes": "calls every other test as it is",
    "planted.test_planted_defects::test_every_test_has_its_defects": "is proven beside it",
    "planted.test_planted_defects::test_a_test_without_defects_is_found": "proves the one beside it",
    "test_failure_paths::test_every_way_that_work_comes_in_fails_safely": "PLANTED beside it has defects for each rule",
    "test_failure_paths::test_every_rule_is_seen_to_fail": "looks at PLANTED beside it",
    "test_failure_paths::test_a_planted_defect_is_caught": "plants them",
    "test_replacements::test_a_planted_defect_is_caught": "plants them",
    "test_safety::test_the_program_keeps_the_rule": "PLANTED beside it has defects for each rule",
    "test_safety::test_a_planted_defect_is_caught": "plants them",
}
"""Tests without an entry in PLANTED, and why."""
CASES: Final = [
    pytest.param(test, defect, id=f"{test}: {defect.what}") for test, defects in PLANTED.items() for defect in defects
]


@pytest.mark.parametrize(("test", "defect"), CASES)
def test_a_planted_defect_is_caught(
    test: str, defect: AnyDefect, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, function = found(test)
    if isinstance(defect, ProgramDefect):
        monkeypatch.setattr(module, defect.name, defect.change(getattr(module, defect.name)))

    caught = any(fails(function, world(request, defect), given) for given in parameters(function))

    assert caught, f"{test} overlooks: {defect.what}"


@pytest.mark.parametrize("test", PLANTED)
def test_without_a_defect_it_passes(test: str, request: pytest.FixtureRequest) -> None:
    """The defect alone makes it fail, not the way in which it is called here."""
    _, function = found(test)

    assert not fails(function, world(request, None), parameters(function)[0])


def test_every_test_has_its_defects() -> None:
    tests = set(names_in(ROOT / "tests" / "infrastructure"))

    assert without_defects(tests) == set()
    assert {*PLANTED, *PLANTS_ITS_OWN} - tests == set()
    assert set(PLANTED) & set(PLANTS_ITS_OWN) == set()


def test_a_test_without_defects_is_found(tmp_path: Path) -> None:
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells" / "test_new.py").write_text("def test_something_new() -> None: ...\n")

    assert without_defects(set(names_in(tmp_path))) == {"cells.test_new::test_something_new"}


def names_in(folder: Path) -> Iterator[str]:
    """Return the names of a folder's tests, as PLANTED has them."""
    for path in folder.rglob("test_*.py"):
        module = ".".join(path.relative_to(folder).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield f"{module}::{node.name}"


def without_defects(tests: Set[str]) -> set[str]:
    """Return the tests that nobody has seen fail."""
    return {*tests} - {*PLANTED, *PLANTS_ITS_OWN}


def found(test: str) -> tuple[ModuleType, Callable[..., None]]:
    path, _, name = test.partition("::")
    module = importlib.import_module(f"{PACKAGE}.{path}")
    return module, getattr(module, name)


def parameters(function: Callable[..., None]) -> list[dict[str, Any]]:
    """Return what pytest would call the test with, beside fixtures."""
    axes: list[list[dict[str, Any]]] = []
    for mark in getattr(function, "pytestmark", []):
        if mark.name != "parametrize":
            continue
        names, values = mark.args[0], list(mark.args[1])
        names = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
        axes.append([dict(zip(names, value if len(names) > 1 else [value], strict=True)) for value in values])
    return [{key: value for part in parts for key, value in part.items()} for parts in product(*axes)]


def world(request: pytest.FixtureRequest, defect: AnyDefect | None) -> Mapping[str, Callable[[], Any]]:
    """Return the fixtures of the tests, by name, with the defect in them; made when they are asked for."""

    def recorded(fixture: str) -> Callable[[], Mapping[str, Graph]]:
        def graphs() -> Mapping[str, Graph]:
            known = request.getfixturevalue(fixture)
            if defect is None or isinstance(defect, ProgramDefect):
                return known
            if isinstance(defect, DeployedDefect) and fixture in PREVIEWS:
                return known
            return planted_graphs(known, defect)

        return graphs

    graphs, aws = recorded("graphs"), EmbeddedAws()

    def cell_graphs() -> Mapping[str, Graph]:
        return {stack: graph for stack, graph in graphs().items() if stack != GLOBAL}

    def body() -> Any:
        [api] = graphs()[CELL].of_type("aws:apigateway/restApi:RestApi")
        return json.loads(api.inputs["body"])

    return {
        "graphs": graphs,
        **{previews: recorded(previews) for previews in PREVIEWS},
        "three_region_graphs": recorded("three_region_graphs"),
        "cell_graphs": cell_graphs,
        "global_graph": lambda: graphs()[GLOBAL],
        "cell": lambda: graphs()[CELL],
        "body": body,
        "aws": lambda: aws,
        "api": lambda: gateway(graphs()[CELL], aws),
        "tree": lambda: request.getfixturevalue("tree"),
        "tmp_path": lambda: request.getfixturevalue("tmp_path"),
    }


def fails(function: Callable[..., None], known: Mapping[str, Callable[[], Any]], given: Mapping[str, Any]) -> bool:
    needed = {name: known[name]() for name in inspect.signature(function).parameters if name not in given}
    try:
        function(**needed, **given)
    except (Exception, pytest.fail.Exception):  # noqa: BLE001 - however a test fails
        return True
    return False
