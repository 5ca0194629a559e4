"""The one topic of a cell that every alarm goes to: who is called is a subscription, not a matter of this program."""

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from components.naming import Placement, resource_name
from components.policy_documents import Statement, policy_document, tls_only

_TOPIC: Final = "alarms"


@dataclass(frozen=True, kw_only=True)
class AlarmTopicArgs:
    """A cell's alarm topic."""

    placement: Placement
    key_arn: pulumi.Input[str]


class AlarmTopic(pulumi.ComponentResource):
    """The topic; CloudWatch of this account may publish to it."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: AlarmTopicArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("meridian:alarms:AlarmTopic", name, None, opts)
        placement = args.placement
        topic_arn = placement.arn("sns", resource_name(_TOPIC))
        topic = aws.sns.Topic(
            name,
            region=placement.region,
            name=resource_name(_TOPIC),
            kms_master_key_id=args.key_arn,
            policy=policy_document(
                tls_only("sns:Publish", [topic_arn]),
                Statement(
                    sid="RaisedByAlarms",
                    principals={"Service": ["cloudwatch.amazonaws.com"]},
                    actions=["sns:Publish"],
                    resources=[topic_arn],
                    conditions={
                        "StringEquals": {"aws:SourceAccount": placement.account},
                        "ArnLike": {"aws:SourceArn": placement.arn("cloudwatch", f"alarm:{resource_name('*')}")},
                    },
                ),
            ),
            tags=placement.tags("RegionalCell"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = topic.arn
        self.register_outputs({"arn": self.arn})
