"""Buckets: one name for all Regions, and a location that us-east-1 must not name."""

from local.handlers.base import DEFAULT_REGION, Context, State
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
        return id_, outputs
