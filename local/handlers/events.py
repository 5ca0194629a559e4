"""Targets of event rules. A bus in another Region gets no events from the embedded AWS: a stand-in forwards them."""

from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from local.handlers.base import Context, Handler, State, declared_state, is_missing
from local.handlers.shapes import parameters
from local.recording import RecordedResource

_NAMES: Final = {"Id": "targetId", "InputPath": "inputPath"}


class EventTargetHandler(Handler):
    """The target of a rule; for a bus elsewhere, a queue that the forwarding stand-in reads."""

    replaced_by = (*Handler.replaced_by, "rule", "eventBusName", "targetId")

    def create(self, context: Context, resource: RecordedResource) -> State:
        """Put the target; `forward` in the outputs says what the stand-in has to do."""
        inputs = resource.inputs
        _, outputs = declared_state(context, resource)
        arn = str(inputs["arn"])
        if forwards_elsewhere(resource):
            queue = f"{inputs['rule']}-forward"
            url = context.call("sqs", resource.region, "CreateQueue", {"QueueName": queue})["QueueUrl"]
            arn = f"arn:aws:sqs:{resource.region}:{context.account}:{queue}"
            outputs["forward"] = {
                "rule": inputs["rule"],
                "region": resource.region,
                "queueUrl": url,
                "queueArn": arn,
                "targetBusArn": inputs["arn"],
                "targetRegion": str(inputs["arn"]).split(":")[3],
                "retryPolicy": inputs.get("retryPolicy") or {},
                "deadLetterArn": (inputs.get("deadLetterConfig") or {}).get("arn", ""),
            }
        members = context.input_shape("events", "PutTargets").members["Targets"].member
        target = parameters(members, inputs, _NAMES) | {"Arn": arn}
        known = {"Rule": inputs["rule"], "EventBusName": _bus(inputs), "Targets": [target]}
        answer = context.call("events", resource.region, "PutTargets", known)
        if answer.get("FailedEntryCount"):
            message = f"{resource.urn}: the target was refused: {answer['FailedEntries']}"
            raise ValueError(message)
        outputs["targetId"] = target["Id"]
        return f"{_bus(inputs)}-{inputs['rule']}-{target['Id']}", outputs

    def read(self, context: Context, resource: RecordedResource) -> dict[str, Any] | None:
        """Return the target as the rule lists it."""
        try:
            known = {"Rule": resource.inputs["rule"], "EventBusName": _bus(resource.inputs)}
            targets = context.call("events", resource.region, "ListTargetsByRule", known)["Targets"]
        except ClientError as error:
            if is_missing(error):
                return None
            raise
        return next((target for target in targets if target["Id"] == resource.outputs["targetId"]), None)

    def update(self, context: Context, old: RecordedResource, new: RecordedResource) -> dict[str, Any]:
        """Put the target again."""
        del old
        return self.create(context, new)[1]

    def delete(self, context: Context, resource: RecordedResource) -> None:
        """Remove the target and the queue of its forwarding."""
        known = {"Rule": resource.inputs["rule"], "EventBusName": _bus(resource.inputs)}
        try:
            context.call("events", resource.region, "RemoveTargets", {**known, "Ids": [resource.outputs["targetId"]]})
            if forward := resource.outputs.get("forward"):
                context.call("sqs", resource.region, "DeleteQueue", {"QueueUrl": forward["queueUrl"]})
        except ClientError as error:
            if not is_missing(error):
                raise


def forwards_elsewhere(resource: RecordedResource) -> bool:
    """Tell whether the target is a bus in another Region."""
    arn = str(resource.inputs["arn"]).split(":")
    return arn[2] == "events" and arn[3] != resource.region


def _bus(inputs: Mapping[str, Any]) -> str:
    return str(inputs.get("eventBusName") or "default")
