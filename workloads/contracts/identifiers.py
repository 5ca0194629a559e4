"""Identifiers that several contexts derive or read: they are functions of what they identify, never random."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Final

import msgspec

END: Final = r"(?![\s\S])"
"""The end of a pattern for a whole text: no character follows. `$` also fits before a last line's end, in Python and in
other engines that validators are made with; this means the same in all of them and in JSON Schema's own (ECMA 262)."""

REGION_PATTERN: Final = r"^[a-z]{2}(-[a-z]+)+-[0-9]" + END
CUSTOMER_ID_PATTERN: Final = r"^[a-z]{2}(-[a-z]+)+-[0-9]\.[a-z0-9-]{1,64}" + END
IDEMPOTENCY_KEY_PATTERN: Final = r"^[A-Za-z0-9._:-]{1,128}" + END
SKU_PATTERN: Final = r"^[A-Za-z0-9._-]{1,64}" + END

CustomerId = Annotated[str, msgspec.Meta(pattern=CUSTOMER_ID_PATTERN)]
IdempotencyKey = Annotated[str, msgspec.Meta(pattern=IDEMPOTENCY_KEY_PATTERN)]
Region = Annotated[str, msgspec.Meta(pattern=REGION_PATTERN)]
Sku = Annotated[str, msgspec.Meta(pattern=SKU_PATTERN)]


class MalformedCustomerIdError(ValueError):
    """A customer id does not name its Region of birth."""

    def __init__(self, customer_id: str) -> None:
        super().__init__(
            f"{customer_id!r} is no customer id: expected <home Region>.<local id>, as in us-east-1.c-00042"
        )


def region_of_birth(customer_id: str) -> str:
    """Return the Region that a customer's id carries: the home of all that is the customer's, unless it was moved.

    >>> region_of_birth("eu-west-1.c-7")
    'eu-west-1'
    """
    if re.fullmatch(CUSTOMER_ID_PATTERN, customer_id) is None:
        raise MalformedCustomerIdError(customer_id)
    return customer_id.split(".", 1)[0]


def order_id(customer_id: str, idempotency_key: str) -> str:
    """Return the id of the order that this customer places under this key: the same in every Region, for ever."""
    return "o-" + _digest(customer_id, idempotency_key)


def deposit_id(customer_id: str, idempotency_key: str) -> str:
    """Return the id of the deposit that a system of record makes to this customer's wallet under this key."""
    return "d-" + _digest(customer_id, idempotency_key)


def event_id(source: str, aggregate: str, sequence: int) -> str:
    """Return the id of an aggregate's event: a retried write carries the id of the first try."""
    return "e-" + _digest(source, aggregate, str(sequence))


def request_hash(*parts: str | bytes) -> str:
    """Return the fingerprint that tells whether two requests under one key are the same request (SHA-256, hex)."""
    return _digest(*parts, length=64)


def _digest(*parts: str | bytes, length: int = 40) -> str:
    """Hash the parts with their lengths, so that ("ab", "c") and ("a", "bc") differ."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:length]
