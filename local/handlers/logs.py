"""Log groups: the retention is a call of its own."""

from typing import Any

from local.handlers.base import Context, State
from local.handlers.generic import GenericHandler, Operations
from local.recording import RecordedResource


class LogGroupHandler(GenericHandler):
    """A log group; another key is a replacement, because the embedded AWS can not change it."""

    def __init__(self) -> None:
        super().__init__(
            Operations(
                service="logs",
                create="CreateLogGroup",
                delete="DeleteLogGroup",
                identity={"logGroupName": "name"},
                names={"logGroupName": "name"},
                replaced_by=("kmsKeyId", "logGroupClass"),
            )
        )

    def create(self, context: Context, resource: RecordedResource) -> State:
        """Create the group and set its retention."""
        state = super().create(context, resource)
        self._retain(context, resource, state[0])
        return state

    def read(self, context: Context, resource: RecordedResource) -> dict[str, Any] | None:
        """Return the group of exactly this name: the service searches by prefix."""
        known = {"logGroupNamePrefix": resource.id}
        groups = context.call("logs", resource.region, "DescribeLogGroups", known)["logGroups"]
        return next((group for group in groups if group["logGroupName"] == resource.id), None)

    def update(self, context: Context, old: RecordedResource, new: RecordedResource) -> dict[str, Any]:
        """Change the retention."""
        self._retain(context, new, new.id)
        return super().update(context, old, new)

    def _retain(self, context: Context, resource: RecordedResource, name: str) -> None:
        if days := resource.inputs.get("retentionInDays"):
            known = {"logGroupName": name, "retentionInDays": days}
            context.call("logs", resource.region, "PutRetentionPolicy", known)
