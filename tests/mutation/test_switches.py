"""Each safeguard can be taken away alone, and what comes by it is noted; with all of them the code is as it was."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.mutation.conditions import parts_of
from tests.mutation.mutants import of
from tests.mutation.switches import NAME, Safeguards, with_switches

SOURCE: Final = """
def place(store, key, entries):
    if key in store.known:
        return "known"
    try:
        store.check(key)
    except KeyError:
        return "unknown"
    finally:
        store.give_back()
    if key == "late":
        store.commit(["lateness"])
    store.commit(["order", *store.stock], entries)
    return "placed"
"""
TOLD: Final = ("given back",)
AS_IT_IS: Final = {
    "new": ("placed", [TOLD, (["order", "stock"], ["entry"])]),
    "old": ("known", []),
    "odd": ("unknown", [TOLD]),
    "late": ("placed", [TOLD, (["lateness"],), (["order", "stock"], ["entry"])]),
}
CHANGED: Final = {
    "without the guard `key in store.known`": {"old": AS_IT_IS["new"]},
    "without the handler of `KeyError`": {"odd": (KeyError, [TOLD])},
    "without `store.give_back()`": {
        "new": ("placed", [(["order", "stock"], ["entry"])]),
        "odd": ("unknown", []),
        "late": ("placed", [(["lateness"],), (["order", "stock"], ["entry"])]),
    },
    "without asking `key == 'late'`": {"new": AS_IT_IS["late"]},
    "without `store.commit(['lateness'])`": {"late": AS_IT_IS["new"]},
    "commits without `'lateness'`": {"late": ("placed", [TOLD, ([],), (["order", "stock"], ["entry"])])},
    "without `store.commit(['order', *store.stock], entries)`": {
        "new": ("placed", [TOLD]),
        "late": ("placed", [TOLD, (["lateness"],)]),
    },
    "commits without `'order'`": {
        "new": ("placed", [TOLD, (["stock"], ["entry"])]),
        "late": ("placed", [TOLD, (["lateness"],), (["stock"], ["entry"])]),
    },
    "commits without `*store.stock`": {
        "new": ("placed", [TOLD, (["order"], ["entry"])]),
        "late": ("placed", [TOLD, (["lateness"],), (["order"], ["entry"])]),
    },
    "commits without `entries`": {
        "new": ("placed", [TOLD, (["order", "stock"], ())]),
        "late": ("placed", [TOLD, (["lateness"],), (["order", "stock"], ())]),
    },
}
"""What each mutant makes of which key; the others stay."""
MUTANTS: Final = {mutant.name.removeprefix("sample.py place "): mutant for mutant in of(SOURCE, "sample.py")}


class Store:
    """Remembers what was committed."""

    known = ("old",)
    stock = ("stock",)

    def __init__(self) -> None:
        self.commits: list[tuple[Any, ...]] = []

    def check(self, key: str) -> None:
        if key == "odd":
            raise KeyError(key)

    def give_back(self) -> None:
        self.commits.append(TOLD)

    def commit(self, *arguments: Any) -> None:
        self.commits.append(arguments)


def outcome(safeguards: Safeguards, key: str) -> tuple[object, list[tuple[Any, ...]]]:
    names: dict[str, Any] = {NAME: safeguards}
    exec(with_switches(SOURCE, list(MUTANTS.values()), "sample.py"), names)  # noqa: S102 - the sample above
    store = Store()
    try:
        return names["place"](store, key, ["entry"]), store.commits
    except KeyError as error:
        return type(error), store.commits


def test_what_can_be_taken_away_is_found() -> None:
    assert MUTANTS.keys() == CHANGED.keys()


@pytest.mark.parametrize("key", AS_IT_IS)
def test_with_every_safeguard_the_code_is_as_it_was(key: str) -> None:
    assert outcome(Safeguards(), key) == AS_IT_IS[key]


@pytest.mark.parametrize("missing", CHANGED)
def test_one_safeguard_is_missing_and_no_other(missing: str) -> None:
    safeguards = Safeguards()
    safeguards.missing = MUTANTS[missing].name

    assert {key: outcome(safeguards, key) for key in AS_IT_IS} == {**AS_IT_IS, **CHANGED[missing]}


@pytest.mark.parametrize("missing", CHANGED)
@pytest.mark.parametrize("key", AS_IT_IS)
def test_who_comes_by_a_safeguard_is_whom_its_lack_changes(key: str, missing: str) -> None:
    safeguards = Safeguards()

    outcome(safeguards, key)

    assert (MUTANTS[missing].name in safeguards.met()) == (key in CHANGED[missing])
    assert safeguards.met() == frozenset()


@pytest.mark.parametrize(
    ("condition", "parts"),
    [
        ("a = :a", ["a = :a"]),
        (
            "a = :a AND (b = :b OR c = :c) AND attribute_exists(d)",
            ["a = :a", "(b = :b OR c = :c)", "attribute_exists(d)"],
        ),
        ("a = :a OR b = :b AND c = :c", ["a = :a OR b = :b AND c = :c"]),
        ("a BETWEEN :a AND :b AND c = :c", ["a BETWEEN :a AND :b", "c = :c"]),
    ],
)
def test_a_condition_is_taken_apart_where_all_must_hold(condition: str, parts: list[str]) -> None:
    assert parts_of(condition) == parts
