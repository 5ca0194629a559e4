"""What one stack reads of another: it exists, and a preview gets along without what is only about to exist."""

from collections.abc import Mapping
from typing import Any

import pytest

from local.program import evaluate
from local.recording import Graph, RecordingMonitor
from tests.infrastructure.inspection import is_known

CELL = "us-east-1"


def evaluated(outputs: Mapping[str, Any], *, preview: bool) -> Graph:
    monitor = RecordingMonitor(CELL, references={"global": outputs})
    evaluate(monitor=monitor, stack=CELL, preview=preview)
    return monitor.graph


def without(outputs: Mapping[str, Any], *path: str) -> dict[str, Any]:
    first, *rest = path
    if not rest:
        return {key: value for key, value in outputs.items() if key != first}
    return {**outputs, first: without(outputs[first], *rest)}


@pytest.mark.parametrize("path", [("tables", "single-view", "arns", CELL), ("user_pools",)])
def test_a_deployment_refuses_a_global_stack_that_is_behind(graphs: Mapping[str, Graph], path: tuple[str, ...]) -> None:
    with pytest.raises(Exception, match=rf"'global' has no output {'.'.join(path)}.*: deploy it"):
        evaluated(without(graphs["global"].outputs, *path), preview=False)


def test_a_preview_shows_what_global_is_only_about_to_have_as_unknown(
    preview_graphs: Mapping[str, Graph],
) -> None:
    graph = evaluated({}, preview=True)

    assert {resource.urn for resource in graph} == {resource.urn for resource in preview_graphs[CELL]}
    functions = graph.of_type("aws:lambda/function:Function")
    assert functions
    assert not any(is_known(function.inputs["imageUri"]) for function in functions)
    [checkout] = [function for function in functions if function.inputs["name"] == "meridian-checkout-api"]
    assert not is_known(checkout.inputs["environment"]["variables"]["CHECKOUT_TABLE"])
