"""SQS: queues, and who may use one as its dead-letter queue."""

from typing import Any, Final

from botocore.exceptions import ClientError

from local.handlers.attributes import attributes, with_attributes
from local.handlers.base import Context, Handler, State, declared_state, is_missing
from local.handlers.generic import GenericHandler, Operations
from local.recording import RecordedResource

_QUEUE_ATTRIBUTES: Final = {
    "delaySeconds": "DelaySeconds",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "policy": "Policy",
    "redrivePolicy": "RedrivePolicy",
    "redriveAllowPolicy": "RedriveAllowPolicy",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "fifoQueue": "FifoQueue",
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deduplicationScope": "DeduplicationScope",
    "fifoThroughputLimit": "FifoThroughputLimit",
}


class QueueHandler(GenericHandler):
    """An SQS queue."""

    def __init__(self) -> None:
        super().__init__(
            Operations(
                service="sqs",
                create="CreateQueue",
                read="GetQueueAttributes",
                delete="DeleteQueue",
                identity={"QueueUrl": "id"},
                names={"QueueName": "name", "Attributes": "attributes"},
                outputs={"url": "QueueUrl", "id": "QueueUrl"},
                replaced_by=("fifoQueue",),
            )
        )
        self.observed_as = {member: property_ for property_, member in _QUEUE_ATTRIBUTES.items()}

    def create(self, context: Context, resource: RecordedResource) -> State:
        """Create the queue with all its attributes."""
        id_, outputs = super().create(context, with_attributes(resource, _QUEUE_ATTRIBUTES))
        outputs.pop("attributes")
        return id_, outputs

    def read(self, context: Context, resource: RecordedResource) -> dict[str, Any] | None:
        """Return all attributes."""
        try:
            known = {"QueueUrl": resource.id, "AttributeNames": ["All"]}
            return context.call("sqs", resource.region, "GetQueueAttributes", known)["Attributes"]
        except ClientError as error:
            if is_missing(error):
                return None
            raise

    def update(self, context: Context, old: RecordedResource, new: RecordedResource) -> dict[str, Any]:
        """Set the attributes again; an attribute that is no longer declared is emptied."""
        removed = {_QUEUE_ATTRIBUTES[key]: "" for key in old.inputs if key in _QUEUE_ATTRIBUTES}
        changed = removed | attributes(new.inputs, _QUEUE_ATTRIBUTES)
        context.call("sqs", new.region, "SetQueueAttributes", {"QueueUrl": new.id, "Attributes": changed})
        return super().update(context, old, new)


class RedriveAllowPolicyHandler(Handler):
    """Which queues may name a queue as their dead-letter queue: an attribute of that queue."""

    replaced_by = (*Handler.replaced_by, "queueUrl")

    def create(self, context: Context, resource: RecordedResource) -> State:
        """Set the attribute."""
        self._set(context, resource, str(resource.inputs["redriveAllowPolicy"]))
        return str(resource.inputs["queueUrl"]), declared_state(context, resource)[1]

    def read(self, context: Context, resource: RecordedResource) -> dict[str, Any] | None:
        """Return the attribute; none where it is not set."""
        known = {"QueueUrl": resource.inputs["queueUrl"], "AttributeNames": ["RedriveAllowPolicy"]}
        return context.call("sqs", resource.region, "GetQueueAttributes", known).get("Attributes")

    def update(self, context: Context, old: RecordedResource, new: RecordedResource) -> dict[str, Any]:
        """Set the attribute again."""
        del old
        return self.create(context, new)[1]

    def delete(self, context: Context, resource: RecordedResource) -> None:
        """Empty the attribute."""
        try:
            self._set(context, resource, "")
        except ClientError as error:
            if not is_missing(error):
                raise

    def _set(self, context: Context, resource: RecordedResource, value: str) -> None:
        known = {"QueueUrl": resource.inputs["queueUrl"], "Attributes": {"RedriveAllowPolicy": value}}
        context.call("sqs", resource.region, "SetQueueAttributes", known)
