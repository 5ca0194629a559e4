"""Lambda behind the entry API: synchronous writes (orders, deposits) and checkout's queries."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, Protocol, TypeVar

import msgspec

from workloads.checkout.adapters.health import Health, HealthReport
from workloads.checkout.application.cancel import cancel_order
from workloads.checkout.application.deciding import UndecidedError
from workloads.checkout.application.deposit import deposit_to_wallet
from workloads.checkout.application.outbox_entries import Cause
from workloads.checkout.application.place_order import place_order
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.queries import await_end, read_command, read_deposit, read_order
from workloads.checkout.application.results import Deposited, PassedOn, Placed
from workloads.checkout.domain.admission import Postponed
from workloads.checkout.domain.order import Acceptance, OrderStatus
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.checkout.entrypoints import requests
from workloads.checkout.entrypoints.pages import Pages
from workloads.checkout.entrypoints.representations import (
    OrderDocument,
    command_document,
    deposit_document,
    deposit_location,
    order_document,
    order_location,
    refusal_title,
)
from workloads.checkout.entrypoints.wiring import admitting_ports
from workloads.contracts.commands import CancelOrder
from workloads.runtime import aws, environment
from workloads.runtime.http import Handler, Request, Response, serve
from workloads.runtime.lifecycle import at_start
from workloads.runtime.principal import Principal, PrincipalType
from workloads.runtime.problems import Problem, ProblemError

T = TypeVar("T")

DEPOSIT_SCOPE: Final = "wallets.deposit"

_ORDER_ID: Final = re.compile(r"o-[0-9a-f]{40}")
_DEPOSIT_ID: Final = re.compile(r"d-[0-9a-f]{40}")
_COMMAND_ID: Final = re.compile(r"[A-Za-z0-9-]{1,128}")
_STATUS_OF: Final[Mapping[RefusalKind, int]] = {
    RefusalKind.UNKNOWN_CUSTOMER: 404,
    RefusalKind.TOO_MANY_ORDERS: 429,
    RefusalKind.OVERLOADED: 503,
    RefusalKind.ALREADY_COMPLETED: 409,
    RefusalKind.UNKNOWN_ORDER: 404,
    RefusalKind.SOLD_OUT: 409,
}
"""What a refusal is answered with; 422 unless listed."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer one request."""
    return serve(_routes(), event, problem_base=environment.required("PROBLEM_BASE"), service="checkout")


class HealthCheck(Protocol):
    """Tells how the cell is."""

    def check(self) -> HealthReport:
        """Try each dependency once."""
        ...


class Api:
    """The operations of the OpenAPI document that checkout answers."""

    def __init__(self, ports: Ports, health: HealthCheck, problem_base: str) -> None:
        self._ports = ports
        self._health = health
        self._problem_base = problem_base

    @property
    def routes(self) -> Mapping[str, Handler]:
        """Return what answers each operation."""
        return {
            "POST /v1/orders": self.place_order,
            "GET /v1/orders/{orderId}": self.get_order,
            "POST /v1/orders/{orderId}/cancellation": self.cancel_order,
            "POST /v1/wallets/{customerId}/deposits": self.deposit,
            "GET /v1/wallets/{customerId}/deposits/{depositId}": self.get_deposit,
            "GET /v1/commands/{commandId}": self.get_command,
            "GET /v1/health": self.get_health,
            **Pages(self._ports).routes,
        }

    def place_order(self, request: Request) -> Response:
        """Place an order of the calling customer."""
        principal = request.principal
        if principal.type is not PrincipalType.CUSTOMER:
            raise ProblemError(requests.forbidden("only a customer places orders, and only for themselves"))
        command = requests.place_order_command(request, principal.customer_id)
        result = _decided(lambda: place_order(self._ports, command, _cause(request)))
        wait = requests.wait(request)
        present = result if wait is None else await_end(self._ports, result, wait)
        document = order_document(present)
        return Response(
            status=_status(result.order.acceptance if isinstance(result, Placed) else Acceptance.ASYNCHRONOUS),
            body=document,
            headers={"Location": order_location(document.order_id)}
            | ({} if wait is None else {"Preference-Applied": f"wait={wait}"}),
        )

    def get_order(self, request: Request) -> Response:
        """Show an order to its customer or an operator; to anyone else it does not exist."""
        return Response(status=200, body=self._visible_order(request))

    def cancel_order(self, request: Request) -> Response:
        """Call an order off, for its customer or on an operator's behalf."""
        document = self._visible_order(request)
        command = CancelOrder(customer_id=document.customer_id, order_id=document.order_id)
        return self._asked(request, _decided(lambda: cancel_order(self._ports, command, _cause(request))))

    def _asked(self, request: Request, result: Placed | PassedOn) -> Response:
        """Answer with the order as this Region knows it: 202 where its home or its saga still has to act."""
        if isinstance(result, Placed):
            document = order_document(result)
            status = 202 if result.order.status is OrderStatus.CANCELLING else 200
        else:
            document = msgspec.structs.replace(self._visible_order(request), command_id=result.handover.command_id)
            status = 202
        return Response(status=status, body=document, headers={"Location": order_location(document.order_id)})

    def _visible_order(self, request: Request) -> OrderDocument:
        """Return the order of the path; raises ProblemError where the caller may not know of it."""
        order_id = request.path_parameters["orderId"]
        found = read_order(self._ports, order_id) if _ORDER_ID.fullmatch(order_id) else None
        document = order_document(found) if found else None
        if document is None or not request.principal.may_see(document.customer_id):
            raise ProblemError(requests.not_found(f"there is no order {order_id}"))
        return document

    def deposit(self, request: Request) -> Response:
        """Add money to a customer's wallet."""
        if DEPOSIT_SCOPE not in request.principal.scopes:
            raise ProblemError(requests.forbidden(f"a deposit needs the scope {DEPOSIT_SCOPE}"))
        command = requests.deposit_command(request)
        result = _decided(lambda: deposit_to_wallet(self._ports, command, _cause(request)))
        document = deposit_document(result)
        return Response(
            status=_status(result.deposit.acceptance if isinstance(result, Deposited) else Acceptance.ASYNCHRONOUS),
            body=document,
            headers={"Location": deposit_location(document.customer_id, document.deposit_id)},
        )

    def get_deposit(self, request: Request) -> Response:
        """Show a deposit to its customer, an operator or a system that may deposit."""
        principal = request.principal
        customer_id = requests.customer_id(request)
        deposit_id = request.path_parameters["depositId"]
        allowed = principal.may_see(customer_id) or DEPOSIT_SCOPE in principal.scopes
        found = None
        if allowed and _DEPOSIT_ID.fullmatch(deposit_id):
            found = read_deposit(self._ports, customer_id, deposit_id)
        document = deposit_document(found) if found else None
        if document is None or document.customer_id != customer_id:
            raise ProblemError(requests.not_found(f"there is no deposit {deposit_id} of {customer_id}"))
        return Response(status=200, body=document)

    def get_command(self, request: Request) -> Response:
        """Show what became of a command to its owner or an operator."""
        command_id = request.path_parameters["commandId"]
        record = read_command(self._ports, command_id) if _COMMAND_ID.fullmatch(command_id) else None
        if record is None or not _owns(request.principal, record.owner):
            raise ProblemError(
                requests.not_found(f"nothing is known of a command {command_id}: it may not have been carried out yet")
            )
        return Response(status=200, body=command_document(record, self._problem_base))

    def get_health(self, _request: Request) -> Response:
        """Say whether this cell can do its work; only what the cell itself owns is asked."""
        report = self._health.check()
        if report.failing:
            raise ProblemError(
                Problem(
                    type="unhealthy",
                    title="The cell is not healthy",
                    status=503,
                    detail=f"failing in {report.region}: {', '.join(report.failing)}",
                    retry_after=5,
                )
            )
        return Response(status=200, body=report)


def _decided(use_case: Callable[[], T | Refusal | Postponed]) -> T:
    """Return what a use case did; raises ProblemError where it refused or could not decide."""
    try:
        result = use_case()
    except UndecidedError as error:
        raise ProblemError(
            Problem(
                type="undecided",
                title="The request is not decided yet",
                status=409,
                detail="other writes keep coming first: retry with the same Idempotency-Key",
                retry_after=1,
            )
        ) from error
    if isinstance(result, Postponed):
        problem = _refused(result.refusal)
        raise ProblemError(msgspec.structs.replace(problem, retry_after=result.retry_after))
    if isinstance(result, Refusal):
        raise ProblemError(_refused(result))
    return result


def _refused(refusal: Refusal) -> Problem:
    return Problem(
        type=refusal.kind.value,
        title=refusal_title(refusal),
        status=_STATUS_OF.get(refusal.kind, 422),
        detail=refusal.detail,
    )


def _cause(request: Request) -> Cause:
    return Cause(id=request.request_id, correlation_id=request.request_id, acceptance=Acceptance.SYNCHRONOUS)


def _status(acceptance: Acceptance) -> int:
    """Return the status of the first answer, whatever has happened since."""
    return 201 if acceptance is Acceptance.SYNCHRONOUS else 202


def _owns(principal: Principal, owner: str) -> bool:
    return principal.may_see(owner) or owner in principal.scopes


@cache
def _routes() -> Mapping[str, Handler]:
    health = Health(
        aws.dynamodb,
        aws.events,
        region=environment.region(),
        table=environment.required("CHECKOUT_TABLE"),
        bus=environment.required("EVENT_BUS"),
    )
    return Api(admitting_ports(), health, environment.required("PROBLEM_BASE")).routes


at_start(_routes)
