"""The roles that an account has once, whatever Region uses them."""

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from components.naming import Placement

_COMPONENT: Final = "GlobalRoles"


@dataclass(frozen=True, kw_only=True)
class GlobalRolesArgs:
    """What of it this stack owns."""

    placement: Placement
    """Of the first Region: the roles themselves have none."""
    owns_ecs_role: bool
    """False where the account has used Amazon ECS before: then the role exists, and belongs to nobody."""


class GlobalRoles(pulumi.ComponentResource):
    """The service-linked role of Amazon ECS.

    The first service of an account fails without it, and it is not there at once when ECS makes it on the way:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles-for-clusters.html
    """

    def __init__(self, name: str, args: GlobalRolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("meridian:roles:GlobalRoles", name, None, opts)
        if args.owns_ecs_role:
            aws.iam.ServiceLinkedRole(
                f"{name}-ecs",
                aws_service_name="ecs.amazonaws.com",
                tags=args.placement.tags(_COMPONENT),
                # Whatever else runs on ECS in this account needs it too.
                opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
            )
        self.register_outputs({})
