"""Function `singleview-api`: answers what is known of a customer, in every Region."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from workloads.contracts.identifiers import CUSTOMER_ID_PATTERN
from workloads.contracts.money import Money
from workloads.runtime import aws
from workloads.runtime.environment import required
from workloads.runtime.http import Request, Response, serve
from workloads.runtime.problems import Problem, ProblemError
from workloads.singleview.adapters.dynamodb_rows import DynamoDBRows
from workloads.singleview.application.ports import PageTokenError, View
from workloads.singleview.domain.facts import Order, home_region


class WalletDocument(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A wallet as the API shows it."""

    balance: Money
    sequence: int


class PointsDocument(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Points as the API shows them."""

    balance: int
    sequence: int


class OrderDocument(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An order as the API shows it."""

    order_id: str
    state: str
    total: Money
    placed_at: str
    reason: str | None = None


class ViewDocument(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer: a page of what is known of a customer."""

    customer_id: str
    home_region: str
    wallet: WalletDocument | None
    points: PointsDocument | None
    orders: tuple[OrderDocument, ...]
    next_page_token: str | msgspec.UnsetType = msgspec.UNSET


_ROWS: Final = DynamoDBRows(aws.dynamodb(), required("SINGLE_VIEW_TABLE"))
_PROBLEM_BASE: Final = required("PROBLEM_BASE")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer a proxy event of the entry API."""
    return serve(_ROUTES, event, problem_base=_PROBLEM_BASE, service="singleview")


def _show(request: Request) -> Response:
    customer_id = request.path_parameters["customerId"]
    if re.fullmatch(CUSTOMER_ID_PATTERN, customer_id) is None:
        raise _problem(400, "invalid-customer-id", "The customer id is malformed", f"{customer_id!r} is no customer id")
    if not request.principal.may_see(customer_id):
        raise _problem(403, "forbidden", "Not yours to see", "a customer sees their own view only, an operator any")
    try:
        view = _ROWS.read(customer_id, page_token=request.query.get("pageToken"))
    except PageTokenError as error:
        raise _problem(400, "invalid-page-token", "The page token is unknown", str(error)) from error
    if view.empty:
        raise _problem(404, "not-found", "Not found", f"nothing is known of {customer_id} yet")
    return Response(status=200, body=_document(customer_id, view))


_ROUTES: Final = {"GET /v1/customers/{customerId}/view": _show}


def _document(customer_id: str, view: View) -> ViewDocument:
    wallet, points = view.wallet, view.points
    return ViewDocument(
        customer_id=customer_id,
        home_region=home_region(customer_id),
        wallet=WalletDocument(balance=wallet.balance, sequence=wallet.sequence) if wallet else None,
        points=PointsDocument(balance=points.balance, sequence=points.sequence) if points else None,
        orders=tuple(_order(order) for order in view.orders),
        next_page_token=view.next_page_token or msgspec.UNSET,
    )


def _order(order: Order) -> OrderDocument:
    return OrderDocument(
        order_id=order.order_id,
        state=order.state,
        total=order.total,
        placed_at=order.placed_at,
        reason=order.reason,
    )


def _problem(status: int, kind: str, title: str, detail: str) -> ProblemError:
    return ProblemError(Problem(type=kind, title=title, status=status, detail=detail))
