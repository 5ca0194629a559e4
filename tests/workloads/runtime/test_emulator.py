"""The embedded AWS behaves as the adapters' tests assume."""

from __future__ import annotations

from collections.abc import Callable

from tests.workloads.conftest import HERE, THERE, Emulator


def test_a_write_in_one_region_is_read_in_the_other(emulator: Emulator, make_table: Callable[[str], str]) -> None:
    table = make_table("replicated")

    emulator.dynamodb(HERE).put_item(TableName=table, Item={"pk": {"S": "a"}, "sk": {"S": "b"}})

    key = {"pk": {"S": "a"}, "sk": {"S": "b"}}
    assert emulator.dynamodb(THERE).get_item(TableName=table, Key=key).get("Item") == key
