"""What the entry API answers page by page: a customer's orders and ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from workloads.checkout.application.pages import read_ledger, read_orders
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.results import Placed
from workloads.checkout.entrypoints import page_tokens, requests
from workloads.checkout.entrypoints.page_tokens import PageTokenError
from workloads.checkout.entrypoints.representations import (
    LedgerDocument,
    OrdersDocument,
    entry_document,
    order_document,
)
from workloads.runtime.http import Handler, Request, Response
from workloads.runtime.principal import PrincipalType
from workloads.runtime.problems import Problem, ProblemError

T = TypeVar("T")


class Pages:
    """The operations that list; a customer sees their own, an operator anybody's."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    @property
    def routes(self) -> Mapping[str, Handler]:
        """Return what answers each operation."""
        return {
            "GET /v1/orders": self.list_orders,
            "GET /v1/wallets/{customerId}/ledger": self.list_ledger,
        }

    def list_orders(self, request: Request) -> Response:
        """Show the orders of the calling customer, or of the one whom an operator names."""
        customer_id = requests.customer_in_query(request) or request.principal.customer_id
        if not customer_id and request.principal.type is PrincipalType.OPERATOR:
            raise ProblemError(requests.invalid_parameter("customerId is missing: an operator has no orders to list"))
        _refuse_strangers(request, customer_id)
        after = _after(request, customer_id, page_tokens.read_order_place)
        page = read_orders(self._ports, customer_id, after=after, limit=requests.limit(request))
        document = OrdersDocument(
            customer_id=customer_id,
            orders=tuple(order_document(Placed(order)) for order in page.shown),
            next_page_token=page_tokens.of_order_place(customer_id, page.last) if page.last else None,
        )
        return Response(status=200, body=document)

    def list_ledger(self, request: Request) -> Response:
        """Show the entries of a customer's ledger."""
        customer_id = requests.customer_id(request)
        _refuse_strangers(request, customer_id)
        after = _after(request, customer_id, page_tokens.read_entry_id)
        page = read_ledger(self._ports, customer_id, after=after, limit=requests.limit(request))
        document = LedgerDocument(
            customer_id=customer_id,
            entries=tuple(map(entry_document, page.shown)),
            next_page_token=page_tokens.of_entry_id(customer_id, page.last) if page.last else None,
        )
        return Response(status=200, body=document)


def _refuse_strangers(request: Request, customer_id: str) -> None:
    """Refuse before anything is read, so that the answer does not depend on what there is."""
    if not request.principal.may_see(customer_id):
        raise ProblemError(requests.forbidden("a customer sees what is their own, an operator anybody's"))


def _after(request: Request, customer_id: str, read: Callable[[str, str], T]) -> T | None:
    """Return where the page before ended; None for the first page."""
    token = request.query.get("pageToken")
    if token is None:
        return None
    try:
        return read(customer_id, token)
    except PageTokenError as error:
        problem = Problem(type="invalid-page-token", title="The page token is unknown", status=400, detail=str(error))
        raise ProblemError(problem) from error
