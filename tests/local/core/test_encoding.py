"""JSON and ids of the emulator: quicker, and the same as they were."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ministack.services import dynamodb

from local.emulator.encoding import CODED, encode_quickly, new_id

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def quick() -> Iterator[Any]:
    """The `json` that ministack's modules get."""
    kept = {user: user.__dict__["json"] for user in CODED}
    encode_quickly()
    yield dynamodb.__dict__["json"]
    for user, module in kept.items():
        user.__dict__["json"] = module


@given(value=VALUES)
def test_what_is_written_reads_the_same(quick: Any, value: Any) -> None:
    assert json.loads(quick.dumps(value)) == json.loads(json.dumps(value))
    assert quick.loads(json.dumps(value)) == json.loads(json.dumps(value))


@pytest.mark.parametrize("options", [{"sort_keys": True}, {"separators": (",", ":")}, {"default": str}])
def test_options_that_make_a_difference_make_it(quick: Any, options: dict[str, Any]) -> None:
    value = {"b": 1, "a": [2, "ä"]}

    assert quick.dumps(value, **options) == json.dumps(value, **options)


@pytest.mark.parametrize("text", ["", "{", '{"a": }', b"\xff"])
def test_what_is_no_json_is_refused_as_before(quick: Any, text: str | bytes) -> None:
    with pytest.raises((json.JSONDecodeError, UnicodeDecodeError)) as before:
        json.loads(text)
    with pytest.raises(type(before.value)):
        quick.loads(text)


def test_an_id_is_a_random_uuid() -> None:
    ids = {new_id() for _ in range(1_000)}

    assert len(ids) == 1_000
    assert {uuid.UUID(each).version for each in ids} == {4}
