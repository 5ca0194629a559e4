"""The alarms on what the checkout's auditor finds: one a kind, because each is mended in another way."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi

from components.alarms import AlarmArgs, Metric, alarm
from components.naming import Placement

METRICS_NAMESPACE: Final = "Meridian/Checkout"
AUDIT_MINUTES: Final = 60

_COMPONENT: Final = "CheckoutAudit"
_RUNBOOK: Final = "docs/runbooks/checkout.md"
_FINDINGS: Final[Mapping[str, str]] = {
    "StockDiffers": "Units of a SKU are nowhere, or were given out twice. Stop selling it before anything else.",
    "TokensDiffer": "A token is two orders', nobody's, or was never issued. Stop selling its SKU before anything else.",
    "BalanceDiffers": "A wallet's balance is not the sum of its ledger. No correction before the cause is known.",
    "PaymentDiffers": "An order has ended, and has not paid what it should have. No refund before it is known why.",
    "OrphanedReservation": "An order has ended and still holds units. Repair it.",
    "OverdueOrder": "An order is still pending after an hour. Look at its execution, then redrive it.",
    "OverdueTransfer": "Units that left for another Region have not arrived after three hours, though sent again.",
    "UnpublishedEvents": "Events lie in the bucket of unpublished events. Mend the cause, then publish them again.",
    "Unfinished": "The audit did not get through the table in time: nothing was said of stock. Give it more to read.",
}
"""What a person is told, by the kind of finding."""


@dataclass(frozen=True, kw_only=True)
class CheckoutAuditArgs:
    """The alarms of one cell."""

    placement: Placement
    alarm_topic_arn: pulumi.Input[str]


class CheckoutAudit(pulumi.ComponentResource):
    """Whatever an audit finds calls a person; the alarm ends with the first audit that finds nothing of its kind."""

    def __init__(self, name: str, args: CheckoutAuditArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("meridian:checkout:Audit", name, None, opts)
        for kind, description in _FINDINGS.items():
            part = _kebab(kind)
            alarm(
                f"{name}-{part}",
                f"checkout-audit-{part}",
                AlarmArgs(
                    placement=args.placement,
                    component=_COMPONENT,
                    topic_arn=args.alarm_topic_arn,
                    description=f"{description} The log of checkout-auditor names them; {_RUNBOOK} says how.",
                    metrics=[
                        Metric(
                            namespace=METRICS_NAMESPACE,
                            name="AuditFindings",
                            dimensions={"Kind": kind},
                            statistic="Maximum",
                        )
                    ],
                    threshold=0,
                    period_seconds=AUDIT_MINUTES * 60,
                    # Between two audits there is no data.
                    missing_data="ignore",
                ),
                pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})


def _kebab(kind: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in kind).removeprefix("-")
