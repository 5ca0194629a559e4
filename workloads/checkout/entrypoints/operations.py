"""Lambda behind the entry API for operators: each operation once for its key, and written into their trail."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, Final

import msgspec

from workloads.checkout.application.deciding import UndecidedError
from workloads.checkout.application.operations import act
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain.command_record import CommandOutcome
from workloads.checkout.domain.operation import (
    Action,
    OperationRecord,
    Reason,
    Redrive,
    Refund,
    Repair,
    operation,
)
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.checkout.entrypoints import requests
from workloads.checkout.entrypoints.representations import refusal_title
from workloads.checkout.entrypoints.wiring import ports, with_hot_items
from workloads.contracts.commands import (
    Command,
    ResumeSelling,
    StopSelling,
    TransferAllotment,
    TransferredUnits,
    Version,
)
from workloads.contracts.identifiers import END, Region, Sku
from workloads.runtime import environment
from workloads.runtime.http import Handler, Request, Response, parse, serve
from workloads.runtime.lifecycle import at_start
from workloads.runtime.logging import logger
from workloads.runtime.principal import Principal, PrincipalType
from workloads.runtime.problems import Problem, ProblemError

_OPERATION_ID: Final = re.compile(r"op-[0-9a-f]{40}")
_STATUS_OF: Final[Mapping[RefusalKind, int]] = {
    RefusalKind.KEY_REUSED: 422,
    RefusalKind.UNKNOWN_ORDER: 404,
    RefusalKind.UNKNOWN_SKU: 404,
}
"""What a refusal is answered with; 409 unless listed: the operation fits, but not what it is about."""
_log: Final = logger("operations")


class OrderBody(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """An operation on an order."""

    order_id: Annotated[str, msgspec.Meta(pattern=r"^o-[0-9a-f]{40}" + END)]
    reason: Reason


class SellingBody(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """An operation on the sale of a SKU."""

    sku: Sku
    version: Version
    reason: Reason


class TransferBody(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Units of this Region for another one."""

    sku: Sku
    units: TransferredUnits
    to_region: Region
    reason: Reason


class OperationDocument(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An operation in the trail."""

    operation_id: str
    action: str
    subject: str
    operator: str
    reason: str
    region: str
    acted_at: str
    outcome: str
    refusal: str | msgspec.UnsetType = msgspec.UNSET
    """Why, where the outcome is Refused."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer one request."""
    return serve(_routes(), event, problem_base=environment.required("PROBLEM_BASE"), service="checkout")


class OperationsApi:
    """The operations of the OpenAPI document that only operators may call."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    @property
    def routes(self) -> Mapping[str, Handler]:
        """Return what answers each operation."""
        return {
            "POST /v1/operations/redrive": self.redrive,
            "POST /v1/operations/repair": self.repair,
            "POST /v1/operations/refund": self.refund,
            "POST /v1/operations/stop-selling": self.stop_selling,
            "POST /v1/operations/resume-selling": self.resume_selling,
            "POST /v1/operations/transfer-stock": self.transfer_stock,
            "GET /v1/operations/{operationId}": self.get_operation,
        }

    def redrive(self, request: Request) -> Response:
        """Start the saga of a pending order again."""
        body = parse(request.body, OrderBody)
        return self._act(request, Action.REDRIVE, body.order_id, body.reason, lambda _: Redrive(order_id=body.order_id))

    def repair(self, request: Request) -> Response:
        """Settle what an order that has ended still holds."""
        body = parse(request.body, OrderBody)
        return self._act(request, Action.REPAIR, body.order_id, body.reason, lambda _: Repair(order_id=body.order_id))

    def refund(self, request: Request) -> Response:
        """Take a completed purchase back, or have its home do so."""
        body = parse(request.body, OrderBody)
        return self._act(request, Action.REFUND, body.order_id, body.reason, lambda _: Refund(order_id=body.order_id))

    def stop_selling(self, request: Request) -> Response:
        """Take no more orders of a SKU, in any Region."""
        body = parse(request.body, SellingBody)
        stop = StopSelling(sku=body.sku, version=body.version)
        return self._act(request, Action.STOP_SELLING, body.sku, body.reason, lambda _: stop)

    def resume_selling(self, request: Request) -> Response:
        """Take orders of a SKU again."""
        body = parse(request.body, SellingBody)
        resume = ResumeSelling(sku=body.sku, version=body.version)
        return self._act(request, Action.RESUME_SELLING, body.sku, body.reason, lambda _: resume)

    def transfer_stock(self, request: Request) -> Response:
        """Send units of this Region to another one."""
        body = parse(request.body, TransferBody)

        def transfer(operation_id: str) -> Command:
            return TransferAllotment(transfer_id=operation_id, sku=body.sku, units=body.units, to_region=body.to_region)

        return self._act(request, Action.TRANSFER_STOCK, body.sku, body.reason, transfer)

    def get_operation(self, request: Request) -> Response:
        """Show an operation to operators."""
        _operator(request.principal)
        operation_id = request.path_parameters["operationId"]
        record = self._ports.store.operation(operation_id) if _OPERATION_ID.fullmatch(operation_id) else None
        if record is None:
            raise ProblemError(requests.not_found(f"there is no operation {operation_id}"))
        return Response(status=200, body=_document(record))

    def _act(
        self,
        request: Request,
        action: Action,
        subject: str,
        reason: str,
        command: Callable[[str], Command | Redrive | Repair | Refund],
    ) -> Response:
        asked = operation(
            operator=_operator(request.principal),
            key=requests.idempotency_key(request),
            action=action,
            subject=subject,
            reason=reason,
            body=request.body,
        )
        try:
            done = act(self._ports, asked, command(asked.id))
        except UndecidedError as error:
            raise ProblemError(_undecided()) from error
        _log.info("operator acted", extra={"operation_id": asked.id, "operator": asked.operator, "action": action})
        match done:
            case Refusal() as refusal:
                raise ProblemError(_refused(refusal))
            case OperationRecord(refusal=Refusal() as refusal):
                raise ProblemError(_refused(refusal))
            case OperationRecord() as record:
                status = 202 if record.outcome is CommandOutcome.HANDED_OVER else 201
                location = f"/v1/operations/{asked.id}"
                return Response(status=status, body=_document(record), headers={"Location": location})


def _operator(principal: Principal) -> str:
    """Return the operator's name; raises ProblemError for everybody else."""
    if principal.type is not PrincipalType.OPERATOR or not principal.operator:
        raise ProblemError(
            Problem(type="forbidden", title="Not allowed", status=403, detail="only operators do this, by name")
        )
    return principal.operator


def _document(record: OperationRecord) -> OperationDocument:
    asked = record.operation
    return OperationDocument(
        operation_id=asked.id,
        action=asked.action.value,
        subject=asked.subject,
        operator=asked.operator,
        reason=asked.reason,
        region=record.region,
        acted_at=record.acted_at,
        outcome=record.outcome.value,
        refusal=record.refusal.detail if record.refusal else msgspec.UNSET,
    )


def _refused(refusal: Refusal) -> Problem:
    return Problem(
        type=refusal.kind.value,
        title=refusal_title(refusal),
        status=_STATUS_OF.get(refusal.kind, 409),
        detail=refusal.detail,
    )


def _undecided() -> Problem:
    return Problem(
        type="undecided",
        title="The operation is not decided yet",
        status=409,
        detail="other writes keep coming first: retry with the same Idempotency-Key",
        retry_after=1,
    )


@cache
def _routes() -> Mapping[str, Handler]:
    return OperationsApi(with_hot_items(ports())).routes


at_start(_routes)
