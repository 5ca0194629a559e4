"""The bucket that a stream consumer fills with events that it can not publish: a redrive reads it."""

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from components.alarms import AlarmArgs, Metric, alarm
from components.naming import Placement
from components.policy_documents import policy_document, tls_only

_KEEP_DAYS: Final = 90
_COMPONENT: Final = "CellData"


@dataclass(frozen=True, kw_only=True)
class UnpublishedEventsArgs:
    """One cell's bucket of unpublished events."""

    placement: Placement
    key_arn: pulumi.Input[str]
    alarm_topic_arn: pulumi.Input[str]
    ephemeral: bool


class UnpublishedEvents(pulumi.ComponentResource):
    """A private, encrypted, versioned bucket; an object in it calls a person, as a message in a dead-letter queue."""

    bucket: aws.s3.Bucket

    def __init__(self, name: str, args: UnpublishedEventsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("meridian:data:UnpublishedEvents", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        placement = args.placement
        tags = placement.tags(_COMPONENT)
        bucket = aws.s3.Bucket(
            f"{name}-bucket",
            region=placement.region,
            bucket=placement.unpublished_events_bucket(),
            force_destroy=args.ephemeral,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self, protect=not args.ephemeral),
        )
        aws.s3.BucketPublicAccessBlock(
            f"{name}-public-access",
            region=placement.region,
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=child,
        )
        aws.s3.BucketOwnershipControls(
            f"{name}-ownership",
            region=placement.region,
            bucket=bucket.bucket,
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=child,
        )
        versioning = aws.s3.BucketVersioning(
            f"{name}-versioning",
            region=placement.region,
            bucket=bucket.bucket,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=child,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            region=placement.region,
            bucket=bucket.bucket,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=(
                        aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                            sse_algorithm="aws:kms", kms_master_key_id=args.key_arn
                        )
                    ),
                    bucket_key_enabled=True,
                )
            ],
            opts=child,
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            region=placement.region,
            bucket=bucket.bucket,
            rules=[
                aws.s3.BucketLifecycleConfigurationRuleArgs(
                    id="events-are-redriven-or-obsolete",
                    status="Enabled",
                    filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                    expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=_KEEP_DAYS),
                    noncurrent_version_expiration=(
                        aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(noncurrent_days=30)
                    ),
                    abort_incomplete_multipart_upload=(
                        aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                            days_after_initiation=7
                        )
                    ),
                )
            ],
            # A rule on versions that comes before versioning is on can be refused.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )
        aws.s3.BucketPolicy(
            f"{name}-policy",
            region=placement.region,
            bucket=bucket.bucket,
            policy=policy_document(tls_only("s3:*", [bucket.arn, pulumi.Output.concat(bucket.arn, "/*")])),
            opts=child,
        )
        requests = aws.s3.BucketMetric(
            f"{name}-requests",
            region=placement.region,
            bucket=bucket.bucket,
            name="all-objects",
            opts=child,
        )
        alarm(
            f"{name}-not-empty",
            "unpublished-events-not-empty",
            AlarmArgs(
                placement=placement,
                component=_COMPONENT,
                topic_arn=args.alarm_topic_arn,
                description="Events could not be published and lie in the bucket. Read their cause, mend it, redrive.",
                metrics=[
                    Metric(
                        namespace="AWS/S3",
                        name="PutRequests",
                        dimensions={"BucketName": bucket.bucket, "FilterId": requests.name},
                    )
                ],
                threshold=0,
            ),
            child,
        )
        self.bucket = bucket
        self.register_outputs({"bucket": bucket.bucket})
