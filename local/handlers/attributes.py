"""SQS and SNS: services whose settings are one map of texts, and Pulumi resources that set one entry of it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from botocore.exceptions import ClientError

from local.handlers.base import Context, Handler, Properties, State, declared_state, is_missing
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

_TOPIC_ATTRIBUTES: Final = {
    "displayName": "DisplayName",
    "policy": "Policy",
    "deliveryPolicy": "DeliveryPolicy",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "fifoTopic": "FifoTopic",
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "tracingConfig": "TracingConfig",
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


class TopicHandler(GenericHandler):
    """An SNS topic."""

    def __init__(self) -> None:
        super().__init__(
            Operations(
                service="sns",
                create="CreateTopic",
                read="GetTopicAttributes",
                delete="DeleteTopic",
                identity={"TopicArn": "arn"},
                names={"Attributes": "attributes"},
                outputs={"arn": "TopicArn", "id": "TopicArn"},
                replaced_by=("fifoTopic",),
            )
        )
        self.observed_as = {member: property_ for property_, member in _TOPIC_ATTRIBUTES.items()}

    def create(self, context: Context, resource: RecordedResource) -> State:
        """Create the topic with all its attributes."""
        id_, outputs = super().create(context, with_attributes(resource, _TOPIC_ATTRIBUTES))
        outputs.pop("attributes")
        return id_, outputs

    def update(self, context: Context, old: RecordedResource, new: RecordedResource) -> dict[str, Any]:
        """Set each attribute again: SNS takes one a call."""
        for name, value in attributes(new.inputs, _TOPIC_ATTRIBUTES).items():
            known = {"TopicArn": new.outputs["arn"], "AttributeName": name, "AttributeValue": value}
            context.call("sns", new.region, "SetTopicAttributes", known)
        return super().update(context, old, new)


class QueueAttributeHandler(Handler):
    """A Pulumi resource that is one attribute of a queue, such as its policy."""

    replaced_by = (*Handler.replaced_by, "queueUrl")

    def __init__(self, attribute: str, property_: str) -> None:
        self._attribute = attribute
        self._property = property_

    def create(self, context: Context, resource: RecordedResource) -> State:
        """Set the attribute."""
        self._set(context, resource, str(resource.inputs[self._property]))
        return str(resource.inputs["queueUrl"]), declared_state(context, resource)[1]

    def read(self, context: Context, resource: RecordedResource) -> dict[str, Any] | None:
        """Return the attribute."""
        known = {"QueueUrl": resource.inputs["queueUrl"], "AttributeNames": [self._attribute]}
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
        known = {"QueueUrl": resource.inputs["queueUrl"], "Attributes": {self._attribute: value}}
        context.call("sqs", resource.region, "SetQueueAttributes", known)


class TopicPolicyHandler(Handler):
    """The policy of a topic."""

    replaced_by = (*Handler.replaced_by, "arn")

    def create(self, context: Context, resource: RecordedResource) -> State:
        """Set the policy."""
        known = {"AttributeName": "Policy", "AttributeValue": resource.inputs["policy"]}
        context.call("sns", resource.region, "SetTopicAttributes", {"TopicArn": resource.inputs["arn"], **known})
        return str(resource.inputs["arn"]), declared_state(context, resource)[1]

    def read(self, context: Context, resource: RecordedResource) -> dict[str, Any] | None:
        """Return the topic's attributes."""
        known = {"TopicArn": resource.inputs["arn"]}
        return context.call("sns", resource.region, "GetTopicAttributes", known).get("Attributes")

    def update(self, context: Context, old: RecordedResource, new: RecordedResource) -> dict[str, Any]:
        """Set the policy again."""
        del old
        return self.create(context, new)[1]

    def delete(self, context: Context, resource: RecordedResource) -> None:
        """Leave it: a topic is never without a policy, and goes with its own."""
        del context, resource


def attributes(inputs: Properties, names: Mapping[str, str]) -> dict[str, str]:
    """Return the map of texts that the service wants."""
    found = {names[key]: value for key, value in inputs.items() if key in names and value is not None}
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in found.items()}


def with_attributes(resource: RecordedResource, names: Mapping[str, str]) -> RecordedResource:
    """Return the resource with the map as one more input, for the generic handler."""
    return replace(resource, inputs={**resource.inputs, "attributes": attributes(resource.inputs, names)})
