"""A function of a bounded context's image: version, alias, role, log group, triggers and alarms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from components.alarms import AlarmArgs, Metric, alarm
from components.logs import log_group
from components.naming import Placement, resource_name
from components.policy_documents import Statement, policy_document, service_trust_without_source
from components.settings import Architecture
from components.workload.permissions import sends_traces, uses_key, writes_logs
from components.workload.schedules import Schedule, ScheduleArgs, ScheduleTrigger
from components.workload.triggers import QueueTrigger, StreamTrigger

LIVE: Final = "live"
"""The alias that callers invoke: it names the version in service, so that a version can be put back at once."""

_COMPONENT: Final = "Workload"
_PERMANENT_BACKLOG_MILLISECONDS: Final = 60_000


@dataclass(frozen=True, kw_only=True)
class WorkloadFunctionArgs:
    """One function."""

    placement: Placement
    function: str
    """The part of the name, such as `checkout-api`."""
    image_uri: pulumi.Input[str]
    """By digest, in this Region's repository."""
    handler: str
    architecture: Architecture
    memory: int
    timeout_seconds: int
    environment: Mapping[str, pulumi.Input[str]]
    statements: Sequence[Statement]
    """What the function itself does; logs, traces, its variables' key and its trigger come with it."""
    key_services: Sequence[str] = ()
    """The services through which it meets the cell's key, its trigger's included."""
    trigger: QueueTrigger | StreamTrigger | ScheduleTrigger | None = None
    data_key_arn: pulumi.Input[str]
    telemetry_key_arn: pulumi.Input[str]
    alarm_topic_arn: pulumi.Input[str]


class WorkloadFunction(pulumi.ComponentResource):
    """A function under the Lambda runtime interface client of its context's image."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    version_arn: pulumi.Output[str]
    """The version of this deployment, for what must not change under a running execution."""
    alias_arn: pulumi.Output[str]

    def __init__(self, name: str, args: WorkloadFunctionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("meridian:workload:Function", name, None, opts)
        placement = args.placement
        child = pulumi.ResourceOptions(parent=self)
        function_name = resource_name(args.function)
        log_group_name = f"/aws/lambda/{function_name}"
        logs = log_group(
            f"{name}-logs",
            log_group_name,
            placement=placement,
            component=_COMPONENT,
            key_arn=args.telemetry_key_arn,
            opts=child,
        )
        role, policy = self._role(name, args, log_group_name)
        function = aws.lambda_.Function(
            name,
            region=placement.region,
            name=function_name,
            package_type="Image",
            image_uri=args.image_uri,
            image_config=aws.lambda_.FunctionImageConfigArgs(commands=[args.handler]),
            architectures=[args.architecture.value],
            role=role.arn,
            memory_size=args.memory,
            timeout=args.timeout_seconds,
            environment=aws.lambda_.FunctionEnvironmentArgs(
                variables={"LOG_LEVEL": "INFO", "SERVICE_NAME": args.function, **args.environment}
            ),
            kms_key_arn=args.data_key_arn,
            logging_config=aws.lambda_.FunctionLoggingConfigArgs(
                log_format="JSON", application_log_level="INFO", system_log_level="WARN", log_group=logs.name
            ),
            tracing_config=aws.lambda_.FunctionTracingConfigArgs(mode="Active"),
            publish=True,
            tags=placement.tags(_COMPONENT),
            # Without its policy the role exists but may do nothing: the first invocations would fail.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        live = aws.lambda_.Alias(
            f"{name}-{LIVE}",
            region=placement.region,
            name=LIVE,
            function_name=function.name,
            function_version=function.version,
            opts=child,
        )
        self.name = function.name
        self.arn = function.arn
        self.version_arn = function.qualified_arn
        self.alias_arn = live.arn
        self._alarms(name, args)
        self._connect(name, args, live, role=role, policy=policy)
        self.register_outputs({"name": self.name, "aliasArn": self.alias_arn, "versionArn": self.version_arn})

    def _connect(
        self,
        name: str,
        args: WorkloadFunctionArgs,
        live: aws.lambda_.Alias,
        *,
        role: aws.iam.Role,
        policy: aws.iam.RolePolicy,
    ) -> None:
        permitted = pulumi.ResourceOptions(parent=self, depends_on=[policy])
        match args.trigger:
            case None:
                return
            case ScheduleTrigger() as trigger:
                Schedule(
                    f"{name}-schedule",
                    ScheduleArgs(
                        placement=args.placement,
                        function=args.function,
                        alias=live,
                        role=role,
                        trigger=trigger,
                        data_key_arn=args.data_key_arn,
                        alarm_topic_arn=args.alarm_topic_arn,
                    ),
                    pulumi.ResourceOptions(parent=self),
                )
            case QueueTrigger() as trigger:
                trigger.connect(f"{name}-trigger", live.arn, args.placement, permitted)
            case StreamTrigger() as trigger:
                mapping = trigger.connect(f"{name}-trigger", live.arn, args.placement, permitted)
                self._stream_alarms(name, args, mapping)

    def _role(
        self, name: str, args: WorkloadFunctionArgs, log_group_name: str
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        placement = args.placement
        role = aws.iam.Role(
            f"{name}-role",
            name=placement.iam_name(args.function),
            description=f"What the function {resource_name(args.function)} may do in {placement.region}",
            assume_role_policy=service_trust_without_source("lambda.amazonaws.com"),
            tags=placement.tags(_COMPONENT),
            opts=pulumi.ResourceOptions(parent=self),
        )
        policy = aws.iam.RolePolicy(
            f"{name}-policy",
            name="workload",
            role=role.name,
            policy=policy_document(
                writes_logs(placement, log_group_name),
                sends_traces(),
                # Its variables are encrypted too, hence Lambda.
                uses_key("UseTheCellsKey", args.data_key_arn, placement, through=("lambda", *args.key_services)),
                *(args.trigger.statements if isinstance(args.trigger, QueueTrigger | StreamTrigger) else ()),
                *args.statements,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return role, policy

    def _alarms(self, name: str, args: WorkloadFunctionArgs) -> None:
        dimensions = {"FunctionName": self.name}
        for metric, description in (
            ("Errors", "raised an exception or ran out of time. Its log group tells why."),
            ("Throttles", "was refused for want of concurrency. Compare the account's limit with its use."),
        ):
            alarm(
                f"{name}-{metric.lower()}",
                f"{args.function}-{metric.lower()}",
                AlarmArgs(
                    placement=args.placement,
                    component=_COMPONENT,
                    topic_arn=args.alarm_topic_arn,
                    description=f"The function {args.function} {description}",
                    metrics=[Metric(namespace="AWS/Lambda", name=metric, dimensions=dimensions)],
                    threshold=0,
                    # Two of three minutes: a single retried fault wakes nobody.
                    periods=3,
                    periods_to_alarm=2,
                ),
                pulumi.ResourceOptions(parent=self),
            )

    def _stream_alarms(self, name: str, args: WorkloadFunctionArgs, mapping: aws.lambda_.EventSourceMapping) -> None:
        child = pulumi.ResourceOptions(parent=self)
        alarm(
            f"{name}-behind",
            f"{args.function}-behind",
            AlarmArgs(
                placement=args.placement,
                component=_COMPONENT,
                topic_arn=args.alarm_topic_arn,
                description=(
                    f"The function {args.function} is over a minute behind its stream, which forgets after a day."
                ),
                metrics=[
                    Metric(
                        namespace="AWS/Lambda",
                        name="IteratorAge",
                        dimensions={"FunctionName": self.name},
                        statistic="Maximum",
                    )
                ],
                threshold=_PERMANENT_BACKLOG_MILLISECONDS,
                periods=5,
            ),
            child,
        )
        alarm(
            f"{name}-unpublished",
            f"{args.function}-unpublished",
            AlarmArgs(
                placement=args.placement,
                component=_COMPONENT,
                topic_arn=args.alarm_topic_arn,
                description=(
                    f"The function {args.function} gave up records of its stream. They lie in the bucket of "
                    "unpublished events; publish them again from the outbox."
                ),
                metrics=[
                    Metric(
                        namespace="AWS/Lambda",
                        name=metric,
                        dimensions={"EventSourceMappingUUID": mapping.uuid},
                    )
                    for metric in ("OnFailureDestinationDeliveredEventCount", "DroppedEventCount")
                ],
                threshold=0,
            ),
            child,
        )
