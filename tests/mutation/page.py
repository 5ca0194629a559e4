"""Writes what the gate found as docs/mutants.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from tests.mutation.gate import Verdict
from tests.mutation.mutants import AnyMutant, CodeMutant, ConditionMutant, SagaMutant

_INTRODUCTION: Final = """\
<!-- Written by `make mutants`: the mutants are found in the code, not on this page. -->
# Mutants of checkout

Each line is a safeguard that the gate took away from checkout, alone, and the first fast test that failed without it.
[simulation.md](simulation.md#the-mutation-gate) says how they are found.
"""
_SECTIONS: Final[Sequence[tuple[str, Callable[[AnyMutant], bool]]]] = (
    ("The code", lambda mutant: isinstance(mutant, CodeMutant)),
    ("Conditions of writes", lambda mutant: isinstance(mutant, ConditionMutant)),
    ("The saga", lambda mutant: isinstance(mutant, SagaMutant)),
)


def page(verdicts: Sequence[Verdict], equivalents: Mapping[str, str]) -> str:
    """Return the whole page."""
    return "".join([_INTRODUCTION, *_body(sorted(verdicts, key=lambda one: one.mutant.name), equivalents)])


def _body(verdicts: Sequence[Verdict], equivalents: Mapping[str, str]) -> Iterator[str]:
    for title, belongs in _SECTIONS:
        rows = [one for one in verdicts if belongs(one.mutant) and one.mutant.name not in equivalents]
        yield f"\n## {title}\n\n{len(rows)} mutants.\n\n| taken away | noticed by |\n|---|---|\n"
        for one in rows:
            yield f"| {_cell(one.mutant.name)} | {_cell(_readable(one.killed_by) if one.killed_by else 'nobody')} |\n"
    if equivalents:
        yield f"\n## Equivalents\n\n{len(equivalents)} that nothing can notice, and why.\n\n"
        yield "| taken away | why it makes no difference |\n|---|---|\n"
        yield from (f"| {_cell(name)} | {_cell(reason)} |\n" for name, reason in sorted(equivalents.items()))


def _readable(test: str) -> str:
    """Return a test's name as the sentence that it is."""
    file, _, name = test.partition("::")
    sentence = name.rpartition("::")[2].removeprefix("test_").replace("_", " ")
    return f"{sentence} ({file.rpartition('/')[2].removeprefix('test_').removesuffix('.py')})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
