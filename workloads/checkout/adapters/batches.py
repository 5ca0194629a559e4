"""Reads many items at once, as consistently as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from workloads.checkout.adapters import keys
from workloads.checkout.adapters.attributes import read_item, write_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_BATCH: Final = 100
"""BatchGetItem takes at most 100 keys (Amazon DynamoDB API Reference)."""


class UnreadKeysError(RuntimeError):
    """DynamoDB kept leaving keys of a batch unread."""

    def __init__(self, unread: int) -> None:
        super().__init__(f"{unread} keys of a batch stayed unread: the table is throttled, try again later")


def read_batch(client: DynamoDBClient, table: str, wanted: Sequence[keys.Key]) -> list[dict[str, Any]]:
    """Return those items that exist; raises UnreadKeysError."""
    found: list[dict[str, Any]] = []
    for start in range(0, len(wanted), _BATCH):
        found += _read_100(client, table, [write_item(key) for key in wanted[start : start + _BATCH]])
    return found


def _read_100(client: DynamoDBClient, table: str, wanted: list[Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for _ in range(3):
        answer = client.batch_get_item(RequestItems={table: {"Keys": wanted, "ConsistentRead": True}})
        found += [read_item(item) for item in answer["Responses"].get(table, [])]
        unread = answer["UnprocessedKeys"].get(table)
        if not unread:
            return found
        wanted = list(unread["Keys"])
    raise UnreadKeysError(len(wanted))
