"""What is deleted before it is replaced, because its name is our own, and what that interrupts: a written table."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import pytest
import yaml

from local.program import ROOT
from local.recording import Graph, RecordedResource
from tests.policies.planting import CELL, Defect, new

DATA: Final = ROOT / "docs" / "replacements.yaml"
PAGE: Final = ROOT / "docs" / "replacements.md"
# What a name or the like is to a type that is not called by `name`.
OWN_NAMES: Final = frozenset({"name", "family", "targetId", "domain"})
BY_BUCKET: Final = frozenset({"aws:s3/bucket:Bucket"})
# Settings of another resource, which carry its name: they are gone for seconds and nothing depends on them meanwhile.
REFERENCES: Final = frozenset({"pulumi:pulumi:StackReference"})
_INTRODUCTION: Final = """\
<!-- Written by `python -m tests.infrastructure.test_replacements`: change docs/replacements.yaml, not this page. -->
# What a replacement interrupts

Names are our own and the same in every Region. What has such a name can not stand beside its successor: a change that
replaces it deletes it first. A preview shows such a change as `replace`, or as `delete-replaced` before
`create-replacement`: read this table before saying yes.

| type | what it interrupts |
|---|---|
"""


def interruptions() -> Mapping[str, str]:
    return yaml.safe_load(DATA.read_text(encoding="utf-8"))


def page() -> str:
    rows = (f"| `{type_.rpartition(':')[2]}` ({type_}) | {said} |\n" for type_, said in sorted(interruptions().items()))
    return "".join([_INTRODUCTION, *rows])


def named(resources: Sequence[RecordedResource]) -> set[str]:
    return {
        resource.type
        for resource in resources
        if resource.custom
        and resource.type not in REFERENCES
        and (OWN_NAMES & resource.inputs.keys() or resource.type in BY_BUCKET or resource.delete_before_replace)
    }


def without_a_word(resources: Sequence[RecordedResource]) -> Iterator[str]:
    yield from sorted(named(resources) - interruptions().keys())


PLANTED: Final[Mapping[str, Sequence[Defect]]] = {
    "a named type says what its replacement interrupts": [
        new("aws:kinesis/stream:Stream", CELL, name="meridian-planted"),
        new("aws:rds/cluster:Cluster", CELL, name="meridian-planted"),
    ]
}


def test_every_type_with_a_name_of_our_own_says_what_its_replacement_interrupts(graphs: Mapping[str, Graph]) -> None:
    for graph in graphs.values():
        assert list(without_a_word(list(graph))) == []


def test_the_table_speaks_of_no_type_that_is_gone(graphs: Mapping[str, Graph]) -> None:
    declared = {resource.type for graph in graphs.values() for resource in graph}

    assert interruptions().keys() - declared == set()


@pytest.mark.parametrize("defect", [defect for defects in PLANTED.values() for defect in defects])
def test_a_planted_defect_is_caught(graphs: Mapping[str, Graph], defect: Defect) -> None:
    assert list(without_a_word(defect.plant(list(graphs[CELL]))))


def test_the_page_is_up_to_date() -> None:
    message = "run `python -m tests.infrastructure.test_replacements`"

    assert PAGE.read_text(encoding="utf-8") == page(), message


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
