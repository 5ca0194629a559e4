"""The alarm on stock that lies idle in one Region while another one has hardly any left."""

from dataclasses import dataclass
from typing import Final

import pulumi

from components.alarms import AlarmArgs, Metric, alarm
from components.checkout_audit import METRICS_NAMESPACE
from components.naming import Placement

_COMPONENT: Final = "StockWatch"


@dataclass(frozen=True, kw_only=True)
class StockWatchArgs:
    """The alarm of one cell."""

    placement: Placement
    alarm_topic_arn: pulumi.Input[str]


class StockWatch(pulumi.ComponentResource):
    """Calls a person who can transfer stock: the system moves none by itself."""

    def __init__(self, name: str, args: StockWatchArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("meridian:checkout:StockWatch", name, None, opts)
        alarm(
            f"{name}-idle-stock-elsewhere",
            "checkout-idle-stock-elsewhere",
            AlarmArgs(
                placement=args.placement,
                component=_COMPONENT,
                topic_arn=args.alarm_topic_arn,
                description=(
                    "A SKU has run low or is sold out in one Region, and at least half of it is left in another one, "
                    "or more tokens of a hot one than are counted. "
                    "The log of checkout-availability names SKU, Region and units; transfer some by command."
                ),
                metrics=[Metric(namespace=METRICS_NAMESPACE, name="IdleStockElsewhere", dimensions={})],
                threshold=0,
                # Levels are told once each: five minutes gather what one rush has sold out.
                period_seconds=300,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
