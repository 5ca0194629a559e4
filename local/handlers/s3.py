"""Buckets: one name for all Regions, a location that us-east-1 must not name, and tags that are set all at once."""

from typing import Any

from botocore.exceptions import ClientError

from local.handlers.base import DEFAULT_REGION, Context, State, is_missing
from local.handlers.generic import GenericHandler, Operations
from local.recording import RecordedResource


class BucketHandler(GenericHandler):
    """An S3 bucket."""

    def __init__(self) -> None:
        super().__init__(
            Operations(
                service="s3",
                create="CreateBucket",
                read="HeadBucket",
                delete="DeleteBucket",
                identity={"Bucket": "name"},
                replaced_by=("bucket", "objectLockEnabled"),
            )
        )

    def create(self, context: Context, resource: RecordedResource) -> State:
        """Create the bucket in its Region."""
        id_, outputs = self.state(context, resource, {})
        known: dict[str, object] = {"Bucket": id_}
        if resource.region not in {"", DEFAULT_REGION}:
            known["CreateBucketConfiguration"] = {"LocationConstraint": resource.region}
        context.call("s3", resource.region, "CreateBucket", known)
        self._tag(context, resource, id_)
        return id_, outputs

    def read(self, context: Context, resource: RecordedResource) -> dict[str, Any] | None:
        """Return the head of the bucket, and its tags."""
        real = super().read(context, resource)
        return None if real is None else {**real, "Tags": self._tags(context, resource)}

    def update(self, context: Context, old: RecordedResource, new: RecordedResource) -> dict[str, Any]:
        """Set the tags; all else of a bucket is a resource of its own."""
        self._tag(context, new, new.id)
        return super().update(context, old, new)

    def _tag(self, context: Context, resource: RecordedResource, bucket: str) -> None:
        pairs = [{"Key": key, "Value": value} for key, value in (resource.inputs.get("tags") or {}).items()]
        if pairs:
            context.call("s3", resource.region, "PutBucketTagging", {"Bucket": bucket, "Tagging": {"TagSet": pairs}})
        else:
            context.call("s3", resource.region, "DeleteBucketTagging", {"Bucket": bucket})

    def _tags(self, context: Context, resource: RecordedResource) -> dict[str, str]:
        try:
            answer = context.call("s3", resource.region, "GetBucketTagging", {"Bucket": resource.id})
        except ClientError as error:
            if is_missing(error):  # NoSuchTagSet
                return {}
            raise
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}
