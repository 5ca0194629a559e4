"""Reads what the API is asked for, and refuses what does not fit before anything is done."""

from __future__ import annotations

import re
from typing import Annotated, Final

import msgspec

from workloads.contracts.commands import MAXIMUM_LINES, MAXIMUM_QUANTITY, DepositToWallet, PlaceOrder, RequestedLine
from workloads.contracts.identifiers import CUSTOMER_ID_PATTERN, IDEMPOTENCY_KEY_PATTERN, Sku
from workloads.contracts.money import MAXIMUM_MINOR_UNITS, Currency, Money
from workloads.runtime.http import Request, parse
from workloads.runtime.problems import Problem, ProblemError

LONGEST_WAIT: Final = 10
"""Seconds: well under the 29 after which API Gateway gives up on an integration."""
LONGEST_PAGE: Final = 100
"""So many orders are read in one request (BatchGetItem takes at most 100 keys)."""
USUAL_PAGE: Final = 20

_WAIT: Final = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?([0-9]{1,6})\"?", re.IGNORECASE)


class LineBody(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A line as a client asks for it."""

    sku: Sku
    quantity: Annotated[int, msgspec.Meta(ge=1, le=MAXIMUM_QUANTITY)]


class OrderBody(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The body of an order."""

    lines: Annotated[tuple[LineBody, ...], msgspec.Meta(min_length=1, max_length=MAXIMUM_LINES)]


class AmountBody(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """An amount that is more than nothing."""

    minor_units: Annotated[int, msgspec.Meta(ge=1, le=MAXIMUM_MINOR_UNITS)]
    currency: Currency


class DepositBody(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The body of a deposit."""

    amount: AmountBody


def place_order_command(request: Request, customer_id: str) -> PlaceOrder:
    """Read an order; raises ProblemError."""
    key = idempotency_key(request)
    body = parse(request.body, OrderBody)
    lines = tuple(RequestedLine(line.sku, line.quantity) for line in body.lines)
    return PlaceOrder(customer_id=customer_id, idempotency_key=key, lines=lines)


def deposit_command(request: Request) -> DepositToWallet:
    """Read a deposit; raises ProblemError."""
    key = idempotency_key(request)
    amount = parse(request.body, DepositBody).amount
    return DepositToWallet(
        customer_id=customer_id(request),
        idempotency_key=key,
        amount=Money(amount.minor_units, amount.currency),
    )


def customer_id(request: Request) -> str:
    """Return the customer in the path; raises ProblemError where it is none."""
    given = request.path_parameters["customerId"]
    if re.fullmatch(CUSTOMER_ID_PATTERN, given) is None:
        raise ProblemError(not_found(f"{given!r} is no customer's id"))
    return given


def customer_in_query(request: Request) -> str | None:
    """Return the customer whom the query names, if any; raises ProblemError where it is no customer's id."""
    given = request.query.get("customerId")
    if given is not None and re.fullmatch(CUSTOMER_ID_PATTERN, given) is None:
        raise ProblemError(invalid_parameter(f"customerId {given!r} is no customer's id"))
    return given


def limit(request: Request) -> int:
    """Return how much a page may show; raises ProblemError."""
    given = request.query.get("limit", str(USUAL_PAGE))
    if re.fullmatch(r"[0-9]{1,3}", given) is None or not 1 <= int(given) <= LONGEST_PAGE:
        raise ProblemError(invalid_parameter(f"limit {given!r} is no number from 1 to {LONGEST_PAGE}"))
    return int(given)


def wait(request: Request) -> int | None:
    """Return how many seconds the client would wait (RFC 7240, `Prefer: wait=n`), at most LONGEST_WAIT; None if not.

    A preference that is not understood is passed over, as the RFC asks.
    """
    preferred = _WAIT.search(request.headers.get("prefer", ""))
    return min(int(preferred.group(1)), LONGEST_WAIT) if preferred else None


def not_found(detail: str) -> Problem:
    """Return the problem that also stands for what the caller may not know of."""
    return Problem(type="not-found", title="Not found", status=404, detail=detail)


def forbidden(detail: str) -> Problem:
    """Return the problem of a caller who may not do this."""
    return Problem(type="forbidden", title="Not allowed", status=403, detail=detail)


def invalid_parameter(detail: str) -> Problem:
    """Return the problem of a parameter that does not fit."""
    return Problem(type="invalid-parameters", title="A parameter is missing or does not fit", status=400, detail=detail)


def idempotency_key(request: Request) -> str:
    """Return the key under which a repeat is the same request; raises ProblemError where it is missing."""
    given = request.headers.get("idempotency-key", "")
    if not given:
        raise ProblemError(
            Problem(
                type="idempotency-key-missing",
                title="The Idempotency-Key is missing",
                status=400,
                detail="send an Idempotency-Key header: a new one for each new request, the same for a retry",
            )
        )
    if re.fullmatch(IDEMPOTENCY_KEY_PATTERN, given) is None:
        raise ProblemError(
            Problem(
                type="idempotency-key-malformed",
                title="The Idempotency-Key does not fit",
                status=400,
                detail="the Idempotency-Key must be 1 to 128 letters, digits, dots, underscores, colons or hyphens",
            )
        )
    return given
