"""Lambda on a schedule: audits what is at home in this Region, logs each finding, and tells CloudWatch how many.

What it sees waiting for long it sends again: a start or an instruction that was lost is lost for an hour at most.
Of unpublished events it sees those that were given up, with their age. How old what still waits in the outbox's stream
is, the iterator age of the stream's consumer tells: its alarm is `checkout-outbox-behind`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import msgspec

from workloads.checkout.adapters.book_keeping import DynamoDbBookKeeping, ReadBudget
from workloads.checkout.adapters.metrics import AuditMetrics
from workloads.checkout.application.audit import audit
from workloads.checkout.application.books import BookKeeping
from workloads.checkout.application.chase import chase
from workloads.checkout.application.ports import Ports
from workloads.checkout.entrypoints.saga_messages import SagaStart
from workloads.checkout.entrypoints.wiring import ports
from workloads.runtime import aws, environment
from workloads.runtime.lifecycle import at_start
from workloads.runtime.logging import logger
from workloads.runtime.queues import QueueSender

_LOGGED: Final = 100
"""Findings that are logged one by one: a thousand of one kind have one cause."""
_log: Final = logger("auditor")


def handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Audit once. A second run beside it, or a repeat, reads the same books and says the same."""
    report = audit(_ports(), _book_keeping())
    for finding in report.findings[:_LOGGED]:
        _log.error(
            "audit finding",
            extra={"kind": finding.kind.value, "subject": finding.subject, "detail": finding.detail},
        )
    seen = {"orders": report.orders, "wallets": report.wallets, "skus": report.skus}
    _log.info("audited", extra={"findings": len(report.findings), **seen})
    _metrics().put(report.findings)
    chased = chase(_ports(), _ask_for_sagas, report)
    if chased.orders or chased.transfers:
        _log.warning("sent again", extra={"orders": chased.orders[:_LOGGED], "transfers": chased.transfers[:_LOGGED]})
    return {"findings": len(report.findings), **seen}


def _ask_for_sagas(orders: Sequence[tuple[str, str]]) -> None:
    starts = [SagaStart(order_id=order, customer_id=customer) for order, customer in orders]
    _saga_starts().send([msgspec.json.encode(start).decode() for start in starts])


@cache
def _saga_starts() -> QueueSender:
    return QueueSender(aws.sqs(), environment.required("SAGA_START_QUEUE_URL"))


@cache
def _ports() -> Ports:
    return ports()


@cache
def _book_keeping() -> BookKeeping:
    return DynamoDbBookKeeping(
        aws.dynamodb(),
        aws.s3(),
        table=environment.required("CHECKOUT_TABLE"),
        bucket=environment.required("UNPUBLISHED_EVENTS_BUCKET"),
        region=environment.region(),
        budget=ReadBudget(),
        monotonic=time.monotonic,
        sleep=time.sleep,
    )


@cache
def _metrics() -> AuditMetrics:
    return AuditMetrics(aws.cloudwatch())


at_start(_ports, _book_keeping, _metrics, _saga_starts)
