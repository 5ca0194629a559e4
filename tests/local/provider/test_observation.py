"""What was changed by hand is found in a service's own words, and put into those of the declaration."""

from typing import Any

import pytest

from local.provider.observation import changed, declared_as, observe


def test_a_declared_property_is_found_however_deep_and_whatever_its_case() -> None:
    answer = {"Configuration": {"MemorySize": 512, "Environment": {"Variables": {"A": "1"}}}, "ResponseMetadata": {}}

    observed = observe({"memorySize": 256, "environment": {"variables": {}}, "region": "us-east-1"}, answer, {})

    assert observed == {"memorySize": 512, "environment": {"Variables": {"A": "1"}}}


def test_a_property_of_another_name_is_found_by_the_handlers_table() -> None:
    answer = {"VisibilityTimeout": "90"}

    assert observe({"visibilityTimeoutSeconds": 90}, answer, {"VisibilityTimeout": "visibilityTimeoutSeconds"}) == {
        "visibilityTimeoutSeconds": "90"
    }


def test_what_nobody_declared_is_not_observed() -> None:
    assert observe({"memorySize": 256}, {"LastModified": "today", "MemorySize": 256}, {}) == {"memorySize": 256}


def test_only_what_is_observed_otherwise_counts_as_changed() -> None:
    assert changed({"a": "1", "b": "2"}, {"a": "1", "b": "3"}) == {"b": "3"}
    assert changed({"a": "1"}, {}) == {"a": None}


@pytest.mark.parametrize(
    ("observed", "declared", "expected"),
    [
        ("7", 90, 7),
        ("true", False, True),
        ({"Enabled": False}, {"enabled": True}, {"enabled": False}),
        ({"Version": "1"}, '{"Version": "2"}', '{"Version": "1"}'),
        ("text", "other", "text"),
    ],
)
def test_an_observed_value_takes_the_form_of_the_declared_one(observed: Any, declared: Any, expected: Any) -> None:
    assert declared_as(observed, declared) == expected
