"""Each test of the program is seen to fail: it is called with a defect planted into what it looks at."""

import importlib
import inspect
import json
import re
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from local.recording import Graph
from tests.infrastructure.entry_api.requests import EmbeddedAws, gateway
from tests.infrastructure.planted import cells, operations, shared, systems
from tests.infrastructure.planted.planting import AnyDefect, DeployedDefect, ProgramDefect, planted_graphs
from tests.policies.planting import CELL, GLOBAL

PREVIEWS: Final = ("preview_graphs", "three_region_previews")
FOLDER: Final = Path(__file__).parents[1]
PACKAGE: Final = "tests.infrastructure"
PLANTED: Final = {**shared.PLANTED, **cells.PLANTED, **systems.PLANTED, **operations.PLANTED}
CASES: Final = [
    pytest.param(test, defect, id=f"{test}: {defect.what}") for test, defects in PLANTED.items() for defect in defects
]


# These plant their defects themselves, or hold a generated page to what it is generated from.
OF_THEIR_OWN: Final = ("test_failure_paths", "test_safety")
BY_NAME: Final = re.compile(r".*_(is|are)_(caught|found|found_out|found_missing|up_to_date)")


def test_every_test_of_the_program_has_a_planted_defect() -> None:
    modules = [path.relative_to(FOLDER).with_suffix("") for path in FOLDER.rglob("test_*.py") if path != Path(__file__)]
    tests = {
        f"{'.'.join(module.parts)}::{name}"
        for module in modules
        if module.name not in OF_THEIR_OWN
        for name in re.findall(
            r"^def (test_\w+)", (FOLDER / module.with_suffix(".py")).read_text("utf-8"), re.MULTILINE
        )
    }

    assert len(tests) > 100
    assert {test for test in tests - PLANTED.keys() if not BY_NAME.fullmatch(test)} == set()


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
