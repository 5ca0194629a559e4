"""Tags: every service has calls of its own to set, remove and list them, whatever else an update takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from local.handlers.base import Context, Diff, Handler, Properties, State, is_missing
from local.handlers.shapes import parameters
from local.recording import RecordedResource


@dataclass(frozen=True, slots=True, kw_only=True)
class TagOperations:
    """How a type's tags are changed: three operations, and the member that says whose tags they are."""

    service: str
    identity: Mapping[str, str]
    """API member → Pulumi output, or `id`."""
    add: str = "TagResource"
    remove: str = "UntagResource"
    list: str = "ListTagsForResource"


TAGGED: Final[Mapping[str, TagOperations]] = {
    "aws:cloudwatch/eventBus:EventBus": TagOperations(service="events", identity={"ResourceARN": "arn"}),
    "aws:cloudwatch/eventRule:EventRule": TagOperations(service="events", identity={"ResourceARN": "arn"}),
    "aws:cloudwatch/logGroup:LogGroup": TagOperations(service="logs", identity={"resourceArn": "arn"}),
    "aws:cloudwatch/metricAlarm:MetricAlarm": TagOperations(service="cloudwatch", identity={"ResourceARN": "arn"}),
    "aws:cognito/userPool:UserPool": TagOperations(service="cognito-idp", identity={"ResourceArn": "arn"}),
    "aws:dynamodb/table:Table": TagOperations(
        service="dynamodb", identity={"ResourceArn": "arn"}, list="ListTagsOfResource"
    ),
    "aws:iam/role:Role": TagOperations(
        service="iam", identity={"RoleName": "name"}, add="TagRole", remove="UntagRole", list="ListRoleTags"
    ),
    "aws:kms/key:Key": TagOperations(service="kms", identity={"KeyId": "keyId"}, list="ListResourceTags"),
    "aws:lambda/function:Function": TagOperations(service="lambda", identity={"Resource": "arn"}, list="ListTags"),
    "aws:lambda/eventSourceMapping:EventSourceMapping": TagOperations(
        service="lambda", identity={"Resource": "arn"}, list="ListTags"
    ),
    "aws:scheduler/scheduleGroup:ScheduleGroup": TagOperations(service="scheduler", identity={"ResourceArn": "arn"}),
    "aws:sfn/stateMachine:StateMachine": TagOperations(service="stepfunctions", identity={"resourceArn": "arn"}),
    "aws:sns/topic:Topic": TagOperations(service="sns", identity={"ResourceArn": "arn"}),
    "aws:sqs/queue:Queue": TagOperations(
        service="sqs", identity={"QueueUrl": "id"}, add="TagQueue", remove="UntagQueue", list="ListQueueTags"
    ),
}


class TaggedHandler(Handler):
    """Another handler, with the tags of its resources kept as they are declared."""

    def __init__(self, handler: Handler, operations: TagOperations) -> None:
        self._handler = handler
        self._operations = operations
        self.handling = handler.handling
        self.replaced_by = handler.replaced_by
        self.renewed = handler.renewed
        self.enriched = handler.enriched
        self.observed_as = handler.observed_as

    def create(self, context: Context, resource: RecordedResource) -> State:
        """Create the resource: creating operations take tags."""
        return self._handler.create(context, resource)

    def read(self, context: Context, resource: RecordedResource) -> dict[str, Any] | None:
        """Return what the handler reads, and the tags."""
        real = self._handler.read(context, resource)
        return None if real is None else {**real, "Tags": self.tags(context, resource)}

    def update(self, context: Context, old: RecordedResource, new: RecordedResource) -> dict[str, Any]:
        """Update the resource, then its tags."""
        outputs = self._handler.update(context, old, new)
        before, after = old.inputs.get("tags") or {}, new.inputs.get("tags") or {}
        if removed := sorted(before.keys() - after.keys()):
            self._call(context, new, self._operations.remove, {"tagKeys": removed})
        if after and after != before:
            self._call(context, new, self._operations.add, {"tags": after})
        return outputs

    def delete(self, context: Context, resource: RecordedResource) -> None:
        """Delete the resource."""
        self._handler.delete(context, resource)

    def adopt(self, context: Context, resource: RecordedResource) -> dict[str, Any]:
        """Adopt the resource."""
        return self._handler.adopt(context, resource)

    def diff(self, old: Properties, new: Properties) -> Diff:
        """Compare as the handler does."""
        return self._handler.diff(old, new)

    def tags(self, context: Context, resource: RecordedResource) -> dict[str, str]:
        """Return the tags that the service lists."""
        try:
            answer = self._call(context, resource, self._operations.list, {})
        except ClientError as error:
            if is_missing(error):
                return {}
            raise
        listed = next((value for member, value in answer.items() if member.lower() == "tags"), None) or {}
        return dict(listed) if isinstance(listed, dict) else dict(_pair(tag) for tag in listed)

    def _call(
        self, context: Context, resource: RecordedResource, operation: str, more: Mapping[str, Any]
    ) -> dict[str, Any]:
        known = {**resource.inputs, **resource.outputs, "id": resource.id}
        service = self._operations.service
        taken = context.input_shape(service, operation)
        whose = {member: known[key] for member, key in self._operations.identity.items()}
        return context.call(service, resource.region, operation, {**parameters(taken, more, {}), **whose})


def _pair(tag: Mapping[str, str]) -> tuple[str, str]:
    """Return key and value of a tag, whose members are called Key, key or TagKey."""
    by_part = {member.lower().removeprefix("tag"): value for member, value in tag.items()}
    return by_part["key"], by_part["value"]
