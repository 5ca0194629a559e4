"""Business refusals: what checkout will not do, as values that say why. Technical failures are exceptions instead."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class RefusalKind(StrEnum):
    """Why a command was refused; the value is also the kebab-case end of the problem's URI."""

    UNKNOWN_SKU = "unknown-sku"
    MIXED_CURRENCIES = "mixed-currencies"
    CURRENCY_MISMATCH = "currency-mismatch"
    AMOUNT_TOO_LARGE = "amount-too-large"
    KEY_REUSED = "idempotency-key-reused"
    UNKNOWN_CUSTOMER = "unknown-customer"
    SUPERSEDED = "superseded"
    MALFORMED_COMMAND = "malformed-command"
    TOO_MANY_ORDERS = "too-many-orders"
    OVERLOADED = "overloaded"
    ORDER_ENDED = "order-ended"
    NOTHING_TO_REPAIR = "nothing-to-repair"
    SOLD_OUT = "sold-out"
    NOT_FOR_SALE = "not-for-sale"
    TOO_MANY_UNITS = "too-many-units"
    INSUFFICIENT_STOCK = "insufficient-stock"
    UNKNOWN_REGION = "unknown-region"
    NO_TOKEN_QUEUE = "no-token-queue"  # noqa: S105 - no password
    ALREADY_COMPLETED = "already-completed"
    NOT_COMPLETED = "not-completed"
    UNKNOWN_ORDER = "unknown-order"


class Refusal(msgspec.Struct, frozen=True):
    """A command that was refused, and the sentence that tells its sender why."""

    kind: RefusalKind
    detail: str
