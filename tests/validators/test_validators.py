"""The real program passes every validator, and every validator catches what it is there for."""

from collections.abc import Mapping, Sequence

import pytest

from local.recording import Graph, RecordedResource
from tests.policies.planting import Defect
from tests.validators import botocore_shapes, sdk_arguments
from tests.validators.planted_defects import PLANTED, VALIDATORS

DEFECTS = [
    pytest.param(validator, defect, id=f"{validator}: {defect.what}")
    for validator, defects in PLANTED.items()
    for defect in defects
]


@pytest.mark.parametrize("validator", VALIDATORS)
def test_the_program_passes(graphs: Mapping[str, Graph], validator: str) -> None:
    assert [found for graph in graphs.values() for found in VALIDATORS[validator](graph)] == []


def test_a_first_preview_passes_as_far_as_it_knows(preview_graphs: Mapping[str, Graph]) -> None:
    for graph in preview_graphs.values():
        assert sdk_arguments.violations(graph) == []
        assert botocore_shapes.violations(graph) == []


@pytest.mark.parametrize(("validator", "defect"), DEFECTS)
def test_a_planted_defect_is_caught(graphs: Mapping[str, Graph], validator: str, defect: Defect) -> None:
    found = VALIDATORS[validator](changed(list(graphs[defect.stack]), defect))

    assert found, f"{validator} overlooks {defect.what}"


def test_every_validator_is_shown_to_catch_at_least_three_defects() -> None:
    assert {validator for validator, defects in PLANTED.items() if len(defects) >= 3} == set(VALIDATORS)


def test_the_shapes_of_the_apis_judge_what_matters(graphs: Mapping[str, Graph]) -> None:
    """The pairing is by name: a library that renames its members would leave nothing to judge, in silence."""
    for stack, graph in graphs.items():
        assert botocore_shapes.judged(graph) >= (120 if stack == "global" else 1_500)


def changed(resources: Sequence[RecordedResource], defect: Defect) -> list[RecordedResource]:
    """Return what the defect changes, so that one planted defect costs no look at all the rest; rules come together."""
    before = {resource.urn: resource for resource in resources}
    return [
        resource
        for resource in defect.plant(resources)
        if before.get(resource.urn) is not resource or resource.type == "aws:cloudwatch/eventRule:EventRule"
    ]
