"""KMS keys: rotation is a call of its own, and deletion is only scheduled."""

from typing import Any

from local.handlers.base import Context, State
from local.handlers.generic import GenericHandler, Operations
from local.recording import RecordedResource


class KeyHandler(GenericHandler):
    """A customer's key."""

    def __init__(self) -> None:
        super().__init__(
            Operations(
                service="kms",
                create="CreateKey",
                read="DescribeKey",
                delete="ScheduleKeyDeletion",
                identity={"KeyId": "keyId"},
                names={"KeySpec": "customerMasterKeySpec"},
                outputs={"arn": "KeyMetadata.Arn", "id": "KeyMetadata.KeyId", "keyId": "KeyMetadata.KeyId"},
                replaced_by=("multiRegion", "customerMasterKeySpec", "keyUsage"),
            )
        )

    def create(self, context: Context, resource: RecordedResource) -> State:
        """Create the key and turn on its rotation."""
        id_, outputs = super().create(context, resource)
        if resource.inputs.get("enableKeyRotation"):
            context.call("kms", resource.region, "EnableKeyRotation", {"KeyId": id_})
        return id_, outputs

    def update(self, context: Context, old: RecordedResource, new: RecordedResource) -> dict[str, Any]:
        """Change policy, description and rotation."""
        key, inputs = {"KeyId": new.id}, new.inputs
        if policy := inputs.get("policy"):
            context.call("kms", new.region, "PutKeyPolicy", {**key, "PolicyName": "default", "Policy": policy})
        context.call("kms", new.region, "UpdateKeyDescription", {**key, "Description": inputs.get("description") or ""})
        rotation = "EnableKeyRotation" if inputs.get("enableKeyRotation") else "DisableKeyRotation"
        context.call("kms", new.region, rotation, key)
        return super().update(context, old, new)
