# It replaces parts of ministack, and so uses what those parts used.
# pyright: reportPrivateUsage=false
"""DynamoDB with less work a write: expressions are parsed once, and the replicas of a table share their items.

ministack never changes an item that is stored: whoever changes one copies it before, and stores the copy.
"""

import copy
import hashlib
import types
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, cast

import msgspec
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import dynamodb

from local.emulator.pinned import check_pinned

_EXPRESSIONS: Final = 1024
"""A program has some dozens of them."""


def parse_expressions_once() -> None:
    """Keep what the parser and the checks of an expression's text found; values are no part of it."""
    tokenize = dynamodb._tokenize
    parentheses, keywords = dynamodb._check_redundant_parens, dynamodb._check_reserved_keyword_usage
    check_pinned(tokenize, "6abb13395c3ee7b6")
    check_pinned(parentheses, "9d6df76cfe8735ab")
    check_pinned(keywords, "5b08c4cc141cc49a")
    check_pinned(dynamodb._condition_syntax_error, "5213f1ffac34e6cb")
    kept_parentheses, kept_keywords = lru_cache(_EXPRESSIONS)(parentheses), lru_cache(_EXPRESSIONS)(keywords)

    def tokens_of(expression: str) -> Any:
        # A tuple: whoever tried to change what is kept would fail.
        return tuple(tokenize(expression))

    def redundant_parentheses(tokens: Any, slot: str = "ConditionExpression") -> str | None:
        return kept_parentheses(tuple(tokens), slot)

    def reserved_keywords(tokens: Any) -> str | None:
        return kept_keywords(tuple(tokens))

    dynamodb._tokenize = lru_cache(_EXPRESSIONS)(tokens_of)
    dynamodb._check_redundant_parens = redundant_parentheses
    dynamodb._check_reserved_keyword_usage = reserved_keywords
    dynamodb._condition_syntax_error = lru_cache(_EXPRESSIONS)(dynamodb._condition_syntax_error)


def copy_items_quickly() -> None:
    """Copy what is plain JSON without the bookkeeping of shared and circular objects."""
    module = types.ModuleType("copy")
    module.__dict__.update({**copy.__dict__, "deepcopy": _copied})
    dynamodb.copy = module


def share_items_between_replicas() -> None:
    """Write to the other replicas as ministack does, but the item itself instead of two copies of it."""
    emit: Callable[..., None] = dynamodb._emit_stream_event
    check_pinned(emit, "8568d0446f26eaba")
    check_pinned(dynamodb._replicate_write, "3dc2a4ec09c58853")
    check_pinned(dynamodb._apply_update_expression, "ffd488974842767c")

    def replicate(table: Any, event_name: str, old_item: Any, new_item: Any) -> None:
        del event_name
        regions = dynamodb._replica_group(table)
        if not regions:
            return
        account, home, name = get_account_id(), get_region(), table["TableName"]
        for region in regions:
            if region == home:
                continue
            with request_scope(account, region):
                replica = dynamodb._tables.get(name)
                if replica is not None:
                    _write(replica, old_item, new_item, emit)

    dynamodb._replicate_write = replicate


def remember_requests_by_digest() -> None:
    """Keep the digest of a transaction's request for ten minutes instead of the whole request."""
    store = dynamodb._txn_token_store
    check_pinned(store, "a14fb08b45087009")
    check_pinned(dynamodb._transact_write_items, "d931eab087546b66")

    def store_digest(token: str, entry: dict[str, Any]) -> None:
        store(token, {**entry, "signature": _Signature(entry["signature"])})

    dynamodb._txn_token_store = store_digest


class _Signature:
    """Equal to every request with the same content."""

    __slots__ = ("_digest",)

    def __init__(self, request: Any) -> None:
        self._digest = _digest(request)

    def __eq__(self, other: object) -> bool:
        return self._digest == (other._digest if isinstance(other, _Signature) else _digest(other))

    def __hash__(self) -> int:
        return hash(self._digest)


def _digest(request: Any) -> bytes:
    return hashlib.sha256(_SORTED.encode(request)).digest()


def _write(replica: Any, old_item: Any, new_item: Any, emit: Callable[..., None]) -> None:
    item = new_item if new_item is not None else old_item
    partition = dynamodb._extract_key_val(item.get(replica["pk_name"]))
    sort = dynamodb._extract_key_val(item.get(replica["sk_name"])) if replica["sk_name"] else "__no_sort__"
    previous = replica["items"].get(partition, {}).get(sort)
    if new_item is not None:
        dynamodb._set_item(replica, partition, sort, new_item)
        emit(replica["TableName"], "MODIFY" if previous else "INSERT", previous, new_item, replicate=False)
    else:
        dynamodb._remove_item(replica, partition, sort)
        if previous is not None:
            emit(replica["TableName"], "REMOVE", previous, None, replicate=False)


def _copied(value: Any) -> Any:
    if type(value) is dict:
        fields = cast("dict[Any, Any]", value)
        return {key: each if type(each) in _IMMUTABLE else _copied(each) for key, each in fields.items()}
    if type(value) is list:
        return [_copied(each) for each in cast("list[Any]", value)]
    return value if type(value) in _IMMUTABLE else copy.deepcopy(value)


_SORTED: Final = msgspec.json.Encoder(order="sorted")
_IMMUTABLE: Final = frozenset({str, bytes, int, float, bool, type(None)})
