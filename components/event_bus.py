"""The event bus of a cell: the bus, its archive, and one table of what goes where."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from components.alarms import AlarmArgs, Metric, alarm
from components.naming import BUS, Placement, Queue, resource_name
from components.policy_documents import Statement, policy_document, service_trust

ARCHIVE_DAYS: Final = 30

_COMPONENT: Final = "EventBus"
# An hour of trouble at a target is waited out; then the event is a person's work, in the dead-letter queue.
_MAXIMUM_AGE_SECONDS: Final = 3600
_MAXIMUM_ATTEMPTS: Final = 20


@dataclass(frozen=True, kw_only=True)
class Route:
    """One rule: events that fit the pattern go to one target."""

    rule: str
    description: str
    pattern: Mapping[str, Any]
    target: Queue | str
    """A queue of the cell, or the name of another Region, whose bus it is then."""


def routes(region: str, other_regions: Sequence[str]) -> Sequence[Route]:
    """Return all routes of a Region's bus.

    Only what was first said in this Region is forwarded or consumed, so that nothing goes round in circles and nothing
    is consumed twice: what comes from elsewhere are commands that name this Region as their destination.
    """
    return (
        Route(
            rule="checkout-commands",
            description="Commands that this Region must carry out",
            pattern={
                "detail-type": [
                    "PlaceOrder",
                    "DepositToWallet",
                    "SetPrice",
                    "SetAllotment",
                    "SetSellingMode",
                    "CancelOrder",
                    "RefundPurchase",
                    "TransferAllotment",
                    "ReceiveTransfer",
                    "StopSelling",
                    "ResumeSelling",
                ],
                "detail": {"destinationregion": [region]},
            },
            target=Queue.CHECKOUT_COMMANDS,
        ),
        Route(
            rule="checkout-availability",
            description="Levels of this Region's stock, which the entry and people follow",
            pattern={
                "source": ["meridian.checkout"],
                "detail-type": ["SoldOut", "BackInStock", "StockRanLow", "StockRecovered"],
                "detail": {"originregion": [region]},
            },
            target=Queue.CHECKOUT_AVAILABILITY,
        ),
        Route(
            rule="loyalty-purchases",
            description="Completed purchases, which earn points",
            pattern={
                "source": ["meridian.checkout"],
                "detail-type": ["PurchaseCompleted"],
                "detail": {"originregion": [region]},
            },
            target=Queue.LOYALTY_PURCHASES,
        ),
        Route(
            rule="single-view-updates",
            description="What changes a customer's Single View",
            pattern={
                "source": ["meridian.checkout", "meridian.loyalty"],
                "detail-type": [
                    "OrderPlaced",
                    "PurchaseCompleted",
                    "PurchaseRejected",
                    "PurchaseCancelled",
                    "PurchaseRefunded",
                    "WalletCredited",
                    "WalletDebited",
                    "WalletRefunded",
                    "BalanceChanged",
                ],
                "detail": {"originregion": [region]},
            },
            target=Queue.SINGLE_VIEW_UPDATES,
        ),
        *(
            Route(
                rule=f"forward-to-{other}",
                description=f"Commands that {other} must carry out",
                pattern={"detail": {"originregion": [region], "destinationregion": [other]}},
                target=other,
            )
            for other in other_regions
        ),
    )


@dataclass(frozen=True, kw_only=True)
class EventBusArgs:
    """A cell's bus."""

    placement: Placement
    other_regions: Sequence[str]
    queue_arns: Mapping[Queue, pulumi.Input[str]]
    """The queues' own policies let the rules send to them."""
    dead_letter_queue_arn: pulumi.Input[str]
    data_key_arn: pulumi.Input[str]
    alarm_topic_arn: pulumi.Input[str]


class EventBus(pulumi.ComponentResource):
    """The bus, with an archive for replays, and its rules."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: EventBusArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("meridian:events:EventBus", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        placement = args.placement
        bus = aws.cloudwatch.EventBus(
            name,
            region=placement.region,
            name=BUS,
            description="Commands, domain events and data events of this cell",
            kms_key_identifier=args.data_key_arn,
            # For events that the bus can not encrypt or decrypt: no rule sees them.
            dead_letter_config=aws.cloudwatch.EventBusDeadLetterConfigArgs(arn=args.dead_letter_queue_arn),
            tags=placement.tags(_COMPONENT),
            opts=self._child,
        )
        self.name = bus.name
        self.arn = bus.arn
        aws.cloudwatch.EventArchive(
            f"{name}-archive",
            region=placement.region,
            name=resource_name("events"),
            description=f"Everything of the last {ARCHIVE_DAYS} days, for replays",
            event_source_arn=bus.arn,
            retention_days=ARCHIVE_DAYS,
            kms_key_identifier=args.data_key_arn,
            opts=self._child,
        )
        forwarding_role_arn = self._forwarding_role() if args.other_regions else None
        for route in routes(placement.region, args.other_regions):
            self._route(route, forwarding_role_arn)
        self.register_outputs({"name": self.name, "arn": self.arn})

    def _forwarding_role(self) -> pulumi.Output[str]:
        placement = self._args.placement
        role = aws.iam.Role(
            f"{self._name}-forwarding-role",
            name=placement.iam_name("event-forwarding"),
            description=f"Forwards commands from {placement.region} to the buses of the other Regions",
            assume_role_policy=service_trust("events.amazonaws.com", account=placement.account),
            tags=placement.tags(_COMPONENT),
            opts=self._child,
        )
        policy = aws.iam.RolePolicy(
            f"{self._name}-forwarding-policy",
            name="forward",
            role=role.name,
            policy=policy_document(
                Statement(
                    sid="PutOntoTheOtherBuses",
                    actions=["events:PutEvents"],
                    resources=[placement.at(other).bus_arn() for other in self._args.other_regions],
                )
            ),
            opts=self._child,
        )
        # No rule before its role may do anything.
        return pulumi.Output.all(role.arn, policy.id).apply(lambda made: made[0])

    def _route(self, route: Route, forwarding_role_arn: pulumi.Output[str] | None) -> None:
        args = self._args
        placement = args.placement
        rule = aws.cloudwatch.EventRule(
            f"{self._name}-{route.rule}",
            region=placement.region,
            name=resource_name(route.rule),
            description=route.description,
            event_bus_name=self.name,
            event_pattern=json.dumps(route.pattern, sort_keys=True),
            tags=placement.tags(_COMPONENT),
            opts=self._child,
        )
        match route.target:
            case Queue() as queue:
                target_arn, role_arn = args.queue_arns[queue], None
            case other:
                target_arn, role_arn = placement.at(other).bus_arn(), forwarding_role_arn
        aws.cloudwatch.EventTarget(
            f"{self._name}-{route.rule}-target",
            region=placement.region,
            rule=rule.name,
            event_bus_name=self.name,
            target_id=route.rule,
            arn=target_arn,
            role_arn=role_arn,
            retry_policy=aws.cloudwatch.EventTargetRetryPolicyArgs(
                maximum_event_age_in_seconds=_MAXIMUM_AGE_SECONDS, maximum_retry_attempts=_MAXIMUM_ATTEMPTS
            ),
            dead_letter_config=aws.cloudwatch.EventTargetDeadLetterConfigArgs(arn=args.dead_letter_queue_arn),
            opts=self._child,
        )
        self._alarm(route, rule)

    def _alarm(self, route: Route, rule: aws.cloudwatch.EventRule) -> None:
        alarm(
            f"{self._name}-{route.rule}-undelivered",
            f"{route.rule}-undelivered",
            AlarmArgs(
                placement=self._args.placement,
                component=_COMPONENT,
                topic_arn=self._args.alarm_topic_arn,
                description=(
                    f"The rule {route.rule} could not deliver events to its target. They lie in the queue of the bus's "
                    "dead letters; mend the cause, then put them onto the bus again."
                ),
                metrics=[
                    Metric(
                        namespace="AWS/Events",
                        name=metric,
                        dimensions={"EventBusName": self.name, "RuleName": rule.name},
                    )
                    for metric in ("FailedInvocations", "InvocationsSentToDlq", "InvocationsFailedToBeSentToDlq")
                ],
                threshold=0,
            ),
            self._child,
        )
