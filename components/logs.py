"""One way to make a log group: named before its writer exists, with retention and the cell's key."""

from typing import Final

import pulumi
import pulumi_aws as aws

from components.naming import Placement

RETENTION_DAYS: Final = 30


def log_group(
    name: str,
    log_group_name: pulumi.Input[str],
    *,
    placement: Placement,
    component: str,
    key_arn: pulumi.Input[str],
    opts: pulumi.ResourceOptions | None = None,
) -> aws.cloudwatch.LogGroup:
    """Make a log group; a writer that makes its own gets one without end and without a key."""
    return aws.cloudwatch.LogGroup(
        name,
        region=placement.region,
        name=log_group_name,
        retention_in_days=RETENTION_DAYS,
        kms_key_id=key_arn,
        tags=placement.tags(component),
        opts=opts,
    )
