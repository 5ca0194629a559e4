"""Roles: who may take one on, and all else, are changed by operations of their own; what is attached is a list."""

from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from local.handlers.base import Context, is_missing
from local.handlers.generic import GenericHandler, Operations
from local.recording import RecordedResource


class RoleHandler(GenericHandler):
    """An IAM role."""

    def __init__(self) -> None:
        super().__init__(
            Operations(
                service="iam",
                create="CreateRole",
                read="GetRole",
                update="UpdateRole",
                delete="DeleteRole",
                identity={"RoleName": "name"},
                names={"RoleName": "name", "AssumeRolePolicyDocument": "assumeRolePolicy"},
                outputs={"arn": "Role.Arn", "uniqueId": "Role.RoleId"},
                replaced_by=("path",),
            )
        )

    def update(self, context: Context, old: RecordedResource, new: RecordedResource) -> dict[str, Any]:
        """Change the trust policy, then description and length of sessions; a description may be emptied."""
        trust = {"RoleName": new.inputs["name"], "PolicyDocument": new.inputs["assumeRolePolicy"]}
        context.call("iam", new.region, "UpdateAssumeRolePolicy", trust)
        known = {"description": "", **new.inputs}
        return super().update(context, old, replace(new, inputs=known))


class AttachmentHandler(GenericHandler):
    """A managed policy that is attached to a role."""

    def __init__(self) -> None:
        super().__init__(
            Operations(
                service="iam",
                create="AttachRolePolicy",
                delete="DetachRolePolicy",
                identity={"RoleName": "role", "PolicyArn": "policyArn"},
                names={"RoleName": "role"},
                replaced_by=("role", "policyArn"),
            )
        )

    def read(self, context: Context, resource: RecordedResource) -> dict[str, Any] | None:
        """Find the policy among those of the role."""
        known = {"RoleName": resource.inputs["role"]}
        try:
            attached = context.call("iam", resource.region, "ListAttachedRolePolicies", known)["AttachedPolicies"]
        except ClientError as error:
            if is_missing(error):
                return None
            raise
        return next((policy for policy in attached if policy["PolicyArn"] == resource.inputs["policyArn"]), None)
