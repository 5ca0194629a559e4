"""Page tokens: where a page ended, in a form that clients hand back unread.

A token is no secret and no permission: whose list is read is decided by the access token, and a page token that was
made for another customer or another list is refused.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, TypeVar

import msgspec

from workloads.checkout.application.ports import OrderPlace
from workloads.checkout.domain.ledger import EntryId, EntryKind
from workloads.contracts.identifiers import END, CustomerId

_Time = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}Z" + END)]
_OrderId = Annotated[str, msgspec.Meta(pattern=r"^o-[0-9a-f]{40}" + END)]
_Subject = Annotated[str, msgspec.Meta(pattern=r"^[od]-[0-9a-f]{40}" + END)]


class PageTokenError(Exception):
    """A page token was not made by this list for this customer."""

    def __init__(self) -> None:
        super().__init__("pageToken is not one of this list: send nextPageToken of the page before, or none to begin")


class _OrderToken(msgspec.Struct, frozen=True, array_like=True, tag="orders"):
    customer_id: CustomerId
    placed_at: _Time
    order_id: _OrderId


class _EntryToken(msgspec.Struct, frozen=True, array_like=True, tag="ledger"):
    customer_id: CustomerId
    kind: EntryKind
    subject: _Subject


T = TypeVar("T", _OrderToken, _EntryToken)


def of_order_place(customer_id: str, place: OrderPlace) -> str:
    """Write where a page of a customer's orders ended."""
    return _write(_OrderToken(customer_id, place.placed_at, place.order_id))


def read_order_place(customer_id: str, token: str) -> OrderPlace:
    """Read what `of_order_place` wrote for this customer; raises PageTokenError for anything else."""
    read = _read(_OrderToken, customer_id, token)
    return OrderPlace(read.placed_at, read.order_id)


def of_entry_id(customer_id: str, entry: EntryId) -> str:
    """Write where a page of a customer's ledger ended."""
    return _write(_EntryToken(customer_id, entry.kind, entry.subject))


def read_entry_id(customer_id: str, token: str) -> EntryId:
    """Read what `of_entry_id` wrote for this customer; raises PageTokenError for anything else."""
    read = _read(_EntryToken, customer_id, token)
    return EntryId(read.kind, read.subject)


def _write(token: _OrderToken | _EntryToken) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(token)).decode().rstrip("=")


def _read(kind: type[T], customer_id: str, token: str) -> T:
    try:
        read = msgspec.json.decode(base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True), type=kind)
    except (binascii.Error, ValueError) as error:
        raise PageTokenError from error
    # One token a place: what decodes to the same in another spelling was not made here.
    if read.customer_id != customer_id or _write(read) != token:
        raise PageTokenError
    return read
