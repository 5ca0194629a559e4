"""Writes docs/planted-defects.md: every defect that is planted in the tests, and what catches it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from local.program import ROOT
from tests.infrastructure import test_failure_paths, test_replacements, test_safety
from tests.infrastructure.planted import cells, operations, shared, systems
from tests.infrastructure.planted.planting import AnyDefect
from tests.policies import planted_defects as policies
from tests.validators import planted_defects as validators

PAGE: Final = ROOT / "docs" / "planted-defects.md"
_INTRODUCTION: Final = """\
<!-- Written by `python -m tests.catalogue`: the defects are planted in tests/, not on this page. -->
# Planted defects

A check that was never seen to fail proves nothing. Each line is a defect that a test plants into the recorded graph of
the real program, and what must catch it; the tests fail where it is overlooked.
"""
_SECTIONS: Final[Sequence[tuple[str, str, Iterable[Mapping[str, Sequence[AnyDefect]]]]]] = (
    ("Validators", "`make check`, tests/validators", [validators.PLANTED]),
    (
        "Unit tests",
        "tests/infrastructure; the test is called with the defect in what it looks at, and must fail",
        [
            test_safety.PLANTED,
            test_failure_paths.PLANTED,
            test_replacements.PLANTED,
            shared.PLANTED,
            cells.PLANTED,
            systems.PLANTED,
            operations.PLANTED,
        ],
    ),
    ("Policy pack", "tests/policies; each rule is described in [policies.md](policies.md)", [policies.PLANTED]),
)


def page() -> str:
    """Return the whole page."""
    return "".join([_INTRODUCTION, *_body()])


def _body() -> Iterator[str]:
    for title, where, tables in _SECTIONS:
        rows = [(caught_by, defect) for table in tables for caught_by, defects in table.items() for defect in defects]
        yield f"\n## {title}\n\n{len(rows)} defects ({where}).\n\n| defect | stack | caught by |\n|---|---|---|\n"
        for caught_by, defect in rows:
            yield f"| {_cell(defect.what)} | {defect.stack} | {_cell(_readable(caught_by))} |\n"


def _readable(caught_by: str) -> str:
    """Return a rule's or a test's name as the sentence that it is."""
    file, separator, name = caught_by.rpartition("::")
    sentence = name.removeprefix("test_").replace("_", " ")
    return f"{sentence} ({file.removeprefix('test_')})" if separator else sentence


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
