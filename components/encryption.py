"""Keys at rest, one set a Region: each Region's data is encrypted with a key that never leaves it.

A key's policy names the account and services, never a role: roles are made after the key, by other stacks too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from components.naming import Placement, account_arn, resource_name
from components.policy_documents import Conditions, Statement, policy_document

# In a key's policy the only resource is the key itself, and `*` is how it is written.
_THIS_KEY: Final = ("*",)
# Each `*` stands for one action and its form without plaintext or for the two ends of ReEncrypt, which AWS's own
# documents of key policies name so: a service may use either form.
_USE: Final = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*")


@dataclass(frozen=True, kw_only=True)
class RegionKeyArgs:
    """One key: the services that use it for our principals, and those that use it in their own name."""

    placement: Placement
    key_name: str
    description: str
    via_services: Sequence[str]
    """Services (`dynamodb`, `sqs` …) through which IAM may permit principals of the account to use the key."""
    service_statements: Sequence[Statement]
    ephemeral: bool


class RegionKey(pulumi.ComponentResource):
    """A customer managed key of one Region, with rotation and an alias."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: RegionKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("meridian:encryption:RegionKey", name, None, opts)
        placement = args.placement
        key = aws.kms.Key(
            name,
            region=placement.region,
            description=args.description,
            enable_key_rotation=True,
            # Seven days is the least that KMS grants; an environment with data gets the most.
            deletion_window_in_days=7 if args.ephemeral else 30,
            policy=policy_document(
                _administration(placement),
                *_use_through_services(placement, args.via_services),
                *args.service_statements,
            ),
            tags=placement.tags("Encryption"),
            opts=pulumi.ResourceOptions(parent=self, protect=not args.ephemeral),
        )
        aws.kms.Alias(
            f"{name}-alias",
            region=placement.region,
            name=f"alias/{resource_name(args.key_name)}",
            target_key_id=key.key_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = key.arn
        self.register_outputs({"arn": self.arn})


@dataclass(frozen=True, kw_only=True)
class CellKeysArgs:
    """The keys of one cell."""

    placement: Placement
    ephemeral: bool


class CellKeys(pulumi.ComponentResource):
    """The cell's two keys: one for data at rest and on its way, one for logs and alarms.

    They are apart so that who may read a log group or an alarm's text gains nothing on the data.
    """

    data_key_arn: pulumi.Output[str]
    """Queues, the bus and its archive, the projection table, the bucket, functions' variables, executions."""
    telemetry_key_arn: pulumi.Output[str]
    """Log groups and the alarm topic."""

    def __init__(self, name: str, args: CellKeysArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("meridian:encryption:CellKeys", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.data_key_arn = RegionKey(
            f"{name}-data",
            RegionKeyArgs(
                placement=args.placement,
                key_name="cell-data",
                description="Meridian: queues, events, projections and unpublished events of this cell",
                via_services=("dynamodb", "events", "lambda", "s3", "sqs", "states"),
                service_statements=_used_by_the_bus(args.placement),
                ephemeral=args.ephemeral,
            ),
            child,
        ).arn
        self.telemetry_key_arn = RegionKey(
            f"{name}-telemetry",
            RegionKeyArgs(
                placement=args.placement,
                key_name="cell-telemetry",
                description="Meridian: logs and alarms of this cell",
                via_services=("logs", "sns"),
                service_statements=[
                    _used_by_log_groups(args.placement),
                    _used_by_alarms(args.placement),
                ],
                ephemeral=args.ephemeral,
            ),
            child,
        ).arn
        self.register_outputs({"dataKeyArn": self.data_key_arn, "telemetryKeyArn": self.telemetry_key_arn})


def _used_by_the_bus(placement: Placement) -> Sequence[Statement]:
    """Let EventBridge keep events on the bus and in its archive, and put them into encrypted queues.

    A bus and an archive name the bus in the encryption context, and no source; a delivery to a queue names the source.
    """
    service = {"Service": ["events.amazonaws.com"]}
    own_account = {"StringEquals": {"aws:SourceAccount": placement.account}}
    return (
        Statement(
            sid="UsedByTheBus",
            principals=service,
            # ReEncryptFrom and ReEncryptTo: as EventBridge's guide has it for the key of a bus.
            actions=["kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncrypt*"],
            resources=_THIS_KEY,
            conditions={"StringEquals": {"kms:EncryptionContext:aws:events:event-bus:arn": placement.bus_arn()}},
        ),
        Statement(
            sid="UsedByDeliveries",
            principals=service,
            actions=["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
            resources=_THIS_KEY,
            conditions=own_account,
        ),
    )


def _used_by_alarms(placement: Placement) -> Statement:
    return Statement(
        sid="UsedByAlarms",
        principals={"Service": ["cloudwatch.amazonaws.com"]},
        # With and without plaintext: as the guide of Amazon SNS has it for the key of a topic that alarms call.
        actions=["kms:Decrypt", "kms:GenerateDataKey*"],
        resources=_THIS_KEY,
        conditions={"StringEquals": {"aws:SourceAccount": placement.account}},
    )


def _used_by_log_groups(placement: Placement) -> Statement:
    # CloudWatch Logs sends no source account; the encryption context names the log group, and with it the account.
    return Statement(
        sid="UsedByLogGroups",
        principals={"Service": [placement.endpoint("logs")]},
        actions=list(_USE),
        resources=_THIS_KEY,
        conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": placement.arn("logs", "log-group:*")}},
    )


def _administration(placement: Placement) -> Statement:
    # Everything but the use of the key: an administrator of keys reads no data.
    return Statement(
        sid="AdministeredByTheAccount",
        principals={"AWS": [account_arn(placement.account)]},
        actions=[
            "kms:CancelKeyDeletion",
            "kms:CreateAlias",
            "kms:DeleteAlias",
            "kms:DescribeKey",
            "kms:DisableKey",
            "kms:DisableKeyRotation",
            "kms:EnableKey",
            "kms:EnableKeyRotation",
            "kms:GetKeyPolicy",
            "kms:GetKeyRotationStatus",
            "kms:ListAliases",
            "kms:ListGrants",
            "kms:ListKeyPolicies",
            "kms:ListResourceTags",
            "kms:PutKeyPolicy",
            "kms:RevokeGrant",
            "kms:ScheduleKeyDeletion",
            "kms:TagResource",
            "kms:UntagResource",
            "kms:UpdateAlias",
            "kms:UpdateKeyDescription",
        ],
        resources=_THIS_KEY,
    )


def _use_through_services(placement: Placement, services: Sequence[str]) -> Sequence[Statement]:
    account = {"AWS": [account_arn(placement.account)]}
    through: Conditions = {"StringEquals": {"kms:ViaService": [placement.endpoint(service) for service in services]}}
    return [
        Statement(
            sid="UsedThroughServices",
            principals=account,
            actions=list(_USE),
            resources=_THIS_KEY,
            conditions=through,
        ),
        # DynamoDB, ECR and others keep working after the caller has gone by a grant that only they can use.
        Statement(
            sid="GrantedToServices",
            principals=account,
            actions=["kms:CreateGrant"],
            resources=_THIS_KEY,
            conditions={**through, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    ]
