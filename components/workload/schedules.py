"""A function that runs at a rate: its schedule on EventBridge Scheduler, and where a lost run goes."""

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from components.alarms import AlarmArgs, Metric, alarm
from components.naming import Placement, resource_name
from components.policy_documents import Statement, policy_document, service_trust
from components.queues import DeadLetterQueue, DeadLetterQueueArgs
from components.workload.permissions import sends_messages, uses_key

_COMPONENT: Final = "Workload"
# Scheduler hands a run over to Lambda and forgets it: Lambda itself runs it again. Twice, which is the most it can do.
_ATTEMPTS_AFTER_THE_FIRST: Final = 2
_SHORTEST_AGE_SECONDS: Final = 60
"""Neither Scheduler nor Lambda gives up on a run earlier."""
_MISSED_RUNS: Final = 3


@dataclass(frozen=True, kw_only=True)
class ScheduleTrigger:
    """Time. A run says nothing but that it is due: what is to be done is read from the data, by an idempotent function.

    Two runs can overlap where one takes longer than the rate, and a run can come twice.
    """

    minutes: int
    """Between two runs."""

    @property
    def expression(self) -> str:
        """The rate as Scheduler writes it."""
        return "rate(1 minute)" if self.minutes == 1 else f"rate({self.minutes} minutes)"

    @property
    def age_seconds(self) -> int:
        """How long a run is tried: until the next one is due, which does its work too."""
        return max(self.minutes * 60, _SHORTEST_AGE_SECONDS)


@dataclass(frozen=True, kw_only=True)
class ScheduleArgs:
    """The schedule of one function."""

    placement: Placement
    function: str
    """The part of the function's name."""
    alias: aws.lambda_.Alias
    role: aws.iam.Role
    """The function's: Lambda sends in its name what the function could not do."""
    trigger: ScheduleTrigger
    data_key_arn: pulumi.Input[str]
    alarm_topic_arn: pulumi.Input[str]


class Schedule(pulumi.ComponentResource):
    """The schedule in a group of its own, which its metrics and its role are bound to, and its dead letters."""

    def __init__(self, name: str, args: ScheduleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("meridian:workload:Schedule", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self._lost = DeadLetterQueue(
            f"{name}-dead-letters",
            DeadLetterQueueArgs(
                placement=args.placement,
                queue=f"{args.function}-dead-letters",
                key_arn=args.data_key_arn,
                alarm_topic_arn=args.alarm_topic_arn,
            ),
            self._child,
        )
        invocation = self._bounded_invocation()
        group = aws.scheduler.ScheduleGroup(
            f"{name}-group",
            region=args.placement.region,
            name=resource_name(args.function),
            tags=args.placement.tags(_COMPONENT),
            opts=self._child,
        )
        role, policy = self._role()
        aws.scheduler.Schedule(
            name,
            region=args.placement.region,
            name=resource_name(args.function),
            group_name=group.name,
            description=f"Runs {resource_name(args.function)}",
            schedule_expression=args.trigger.expression,
            flexible_time_window=aws.scheduler.ScheduleFlexibleTimeWindowArgs(mode="OFF"),
            target=aws.scheduler.ScheduleTargetArgs(
                arn=args.alias.arn,
                role_arn=role.arn,
                # Says nothing, so there is nothing to encrypt with a key of our own.
                input="{}",
                retry_policy=aws.scheduler.ScheduleTargetRetryPolicyArgs(
                    maximum_retry_attempts=_ATTEMPTS_AFTER_THE_FIRST,
                    maximum_event_age_in_seconds=args.trigger.age_seconds,
                ),
                dead_letter_config=aws.scheduler.ScheduleTargetDeadLetterConfigArgs(arn=self._lost.arn),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy, invocation]),
        )
        self._alarms()
        self.register_outputs({})

    def _bounded_invocation(self) -> aws.lambda_.FunctionEventInvokeConfig:
        args = self._args
        policy = aws.iam.RolePolicy(
            f"{self._name}-lost-runs-policy",
            name="lost-runs",
            role=args.role.name,
            policy=policy_document(
                sends_messages(self._lost.arn),
                uses_key("UseTheQueuesKey", args.data_key_arn, args.placement, through=("sqs",)),
            ),
            opts=self._child,
        )
        return aws.lambda_.FunctionEventInvokeConfig(
            f"{self._name}-invocation",
            region=args.placement.region,
            function_name=args.alias.function_name,
            qualifier=args.alias.name,
            maximum_retry_attempts=_ATTEMPTS_AFTER_THE_FIRST,
            maximum_event_age_in_seconds=args.trigger.age_seconds,
            destination_config=aws.lambda_.FunctionEventInvokeConfigDestinationConfigArgs(
                on_failure=aws.lambda_.FunctionEventInvokeConfigDestinationConfigOnFailureArgs(
                    destination=self._lost.arn
                )
            ),
            # Lambda refuses a destination that the function's role may not send to.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )

    def _role(self) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        args = self._args
        placement = args.placement
        group = placement.arn("scheduler", f"schedule-group/{resource_name(args.function)}")
        role = aws.iam.Role(
            f"{self._name}-role",
            name=placement.iam_name(f"{args.function}-schedule"),
            description=f"Runs the function {resource_name(args.function)} in {placement.region}",
            # The source is the group, not the schedule (EventBridge Scheduler User Guide, confused deputy).
            assume_role_policy=service_trust(
                "scheduler.amazonaws.com",
                account=placement.account,
                conditions={"ArnEquals": {"aws:SourceArn": group}},
            ),
            tags=placement.tags(_COMPONENT),
            opts=self._child,
        )
        policy = aws.iam.RolePolicy(
            f"{self._name}-policy",
            name="schedule",
            role=role.name,
            policy=policy_document(
                Statement(sid="RunTheFunction", actions=["lambda:InvokeFunction"], resources=[args.alias.arn]),
                sends_messages(self._lost.arn),
                uses_key("UseTheQueuesKey", args.data_key_arn, placement, through=("sqs",)),
            ),
            opts=self._child,
        )
        return role, policy

    def _alarms(self) -> None:
        args = self._args
        minutes = args.trigger.minutes
        function = {"FunctionName": args.alias.function_name}
        group = {"ScheduleGroup": resource_name(args.function)}
        alarm(
            f"{self._name}-missed",
            f"{args.function}-schedule-missed",
            AlarmArgs(
                placement=args.placement,
                component=_COMPONENT,
                topic_arn=args.alarm_topic_arn,
                description=(
                    f"The function {args.function} has not run for {_MISSED_RUNS * minutes} minutes, though it is due "
                    f"every {minutes}. Look at its schedule, and at the schedule's role."
                ),
                metrics=[Metric(namespace="AWS/Lambda", name="Invocations", dimensions=function)],
                threshold=1,
                comparison="LessThanThreshold",
                period_seconds=minutes * 60,
                periods=_MISSED_RUNS,
                # A function that never runs has no metric at all.
                missing_data="breaching",
            ),
            self._child,
        )
        alarm(
            f"{self._name}-dropped",
            f"{args.function}-schedule-dropped",
            AlarmArgs(
                placement=args.placement,
                component=_COMPONENT,
                topic_arn=args.alarm_topic_arn,
                description=(
                    f"A run of {args.function} was lost on its way to the function, or what was lost could not be "
                    "kept. The next run does its work; if it happens again, look at throttles and roles."
                ),
                metrics=[
                    Metric(namespace="AWS/Scheduler", name="InvocationDroppedCount", dimensions=group),
                    Metric(
                        namespace="AWS/Scheduler", name="InvocationsFailedToBeSentToDeadLetterCount", dimensions=group
                    ),
                    Metric(namespace="AWS/Lambda", name="DestinationDeliveryFailures", dimensions=function),
                ],
                threshold=0,
            ),
            self._child,
        )
