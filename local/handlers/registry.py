"""Finds the handler of a type; a type that has none stops the deployment by its name."""

from typing import Final

from local.deployment import Handling
from local.handlers.alarms import MetricAlarmHandler
from local.handlers.base import Handler
from local.handlers.declared import DeclaredHandler, ImageHandler
from local.handlers.dynamodb import TableHandler
from local.handlers.events import EventTargetHandler
from local.handlers.generic import GenericHandler
from local.handlers.generic_types import GENERIC
from local.handlers.iam import AttachmentHandler, RoleHandler
from local.handlers.kms import KeyHandler
from local.handlers.lambda_ import FunctionHandler, PermissionHandler
from local.handlers.logs import LogGroupHandler
from local.handlers.recorded_only import RECORDED_ONLY
from local.handlers.s3 import BucketHandler
from local.handlers.sns import TopicHandler
from local.handlers.sqs import QueueHandler, RedriveAllowPolicyHandler
from local.handlers.tags import TAGGED, TaggedHandler

_GATEWAY: Final = "the gateway stand-in serves the declared OpenAPI document"
_TASKS: Final = "the declared tasks run as processes"


class UnknownTypeError(Exception):
    """The program uses a resource type that the laptop mode does not know."""


def handler_for(type_: str) -> Handler:
    """Return the handler of a type token."""
    try:
        return _TAGGED.get(type_) or _HANDLERS[type_]
    except KeyError:
        message = (
            f"no handler for {type_}: add it to local/handlers (generic_types.py if one operation creates it, a class "
            "of its own if not, recorded_only.py with the reason if nothing on a laptop depends on it)"
        )
        raise UnknownTypeError(message) from None


_HANDLERS: Final[dict[str, Handler]] = {
    **{type_: GenericHandler(operations) for type_, operations in GENERIC.items()},
    **{type_: DeclaredHandler(Handling.RECORDED, reason) for type_, reason in RECORDED_ONLY.items()},
    "aws:cloudwatch/metricAlarm:MetricAlarm": MetricAlarmHandler(),
    "aws:dynamodb/table:Table": TableHandler(),
    "aws:iam/role:Role": RoleHandler(),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": AttachmentHandler(),
    "aws:kms/key:Key": KeyHandler(),
    "aws:sqs/queue:Queue": QueueHandler(),
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": RedriveAllowPolicyHandler(),
    "aws:sns/topic:Topic": TopicHandler(),
    "aws:s3/bucket:Bucket": BucketHandler(),
    "aws:lambda/function:Function": FunctionHandler(),
    "aws:lambda/permission:Permission": PermissionHandler(),
    "aws:cloudwatch/logGroup:LogGroup": LogGroupHandler(),
    "aws:cloudwatch/eventTarget:EventTarget": EventTargetHandler(),
    "docker-build:index:Image": ImageHandler(),
    "aws:ecs/cluster:Cluster": DeclaredHandler(Handling.PROCESS, _TASKS),
    "aws:ecs/taskDefinition:TaskDefinition": DeclaredHandler(Handling.PROCESS, _TASKS),
    "aws:ecs/service:Service": DeclaredHandler(Handling.PROCESS, _TASKS),
    "aws:apigateway/restApi:RestApi": DeclaredHandler(Handling.STAND_IN, _GATEWAY),
    "aws:apigateway/deployment:Deployment": DeclaredHandler(Handling.STAND_IN, _GATEWAY),
    "aws:apigateway/stage:Stage": DeclaredHandler(Handling.STAND_IN, _GATEWAY),
    "aws:apigateway/methodSettings:MethodSettings": DeclaredHandler(Handling.STAND_IN, _GATEWAY),
}
KNOWN_TYPES: Final = frozenset(_HANDLERS)
_TAGGED: Final = {type_: TaggedHandler(_HANDLERS[type_], operations) for type_, operations in TAGGED.items()}
