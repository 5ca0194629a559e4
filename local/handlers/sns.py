"""SNS: topics."""

from typing import Any, Final

from local.handlers.attributes import attributes, with_attributes
from local.handlers.base import Context, State
from local.handlers.generic import GenericHandler, Operations
from local.recording import RecordedResource

_TOPIC_ATTRIBUTES: Final = {
    "displayName": "DisplayName",
    "policy": "Policy",
    "deliveryPolicy": "DeliveryPolicy",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "fifoTopic": "FifoTopic",
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "tracingConfig": "TracingConfig",
}


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
