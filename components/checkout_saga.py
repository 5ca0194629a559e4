"""The checkout saga of a cell: the state machine on Step Functions Standard, its role, its logs and its alarms."""

import json
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from components.alarms import AlarmArgs, Metric, alarm
from components.checkout_saga_states import definition
from components.logs import log_group
from components.naming import Placement, resource_name
from components.policy_documents import Statement, policy_document, service_trust
from components.queues import DeadLetterQueue
from components.workload import WorkloadFunction
from components.workload.permissions import sends_messages, sends_traces, uses_key

SAGA: Final = "checkout-saga"

_COMPONENT: Final = "CheckoutSaga"


@dataclass(frozen=True, kw_only=True)
class CheckoutSagaArgs:
    """A cell's checkout saga."""

    placement: Placement
    steps: WorkloadFunction
    repair_queue: DeadLetterQueue
    data_key_arn: pulumi.Input[str]
    telemetry_key_arn: pulumi.Input[str]
    alarm_topic_arn: pulumi.Input[str]


class CheckoutSaga(pulumi.ComponentResource):
    """The state machine."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: CheckoutSagaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("meridian:checkout:Saga", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        placement = args.placement
        logs = log_group(
            f"{name}-logs",
            # Under this prefix the policy of the log delivery does not grow with each log group.
            f"/aws/vendedlogs/states/{resource_name(SAGA)}",
            placement=placement,
            component=_COMPONENT,
            key_arn=args.telemetry_key_arn,
            opts=self._child,
        )
        role, policy = self._role()
        state_machine = aws.sfn.StateMachine(
            name,
            region=placement.region,
            name=resource_name(SAGA),
            # Standard: exactly once a state, and an execution that waits for hours costs nothing.
            type="STANDARD",
            definition=pulumi.Output.all(args.steps.version_arn, args.repair_queue.url).apply(
                lambda made: json.dumps(definition(steps_version_arn=made[0], repair_queue_url=made[1]))
            ),
            role_arn=role.arn,
            logging_configuration=aws.sfn.StateMachineLoggingConfigurationArgs(
                level="ERROR",
                # Who bought what is in the order, not in a log.
                include_execution_data=False,
                log_destination=pulumi.Output.concat(logs.arn, ":*"),
            ),
            tracing_configuration=aws.sfn.StateMachineTracingConfigurationArgs(enabled=True),
            encryption_configuration=aws.sfn.StateMachineEncryptionConfigurationArgs(
                type="CUSTOMER_MANAGED_KMS_KEY",
                kms_key_id=args.data_key_arn,
                kms_data_key_reuse_period_seconds=300,
            ),
            tags=placement.tags(_COMPONENT),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.arn = state_machine.arn
        self._alarms()
        self.register_outputs({"arn": self.arn})

    def _role(self) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        placement = self._args.placement
        role = aws.iam.Role(
            f"{self._name}-role",
            name=placement.iam_name(SAGA),
            description=f"What the checkout saga may do in {placement.region}",
            assume_role_policy=service_trust("states.amazonaws.com", account=placement.account),
            tags=placement.tags(_COMPONENT),
            opts=self._child,
        )
        policy = aws.iam.RolePolicy(
            f"{self._name}-policy",
            name="saga",
            role=role.name,
            policy=policy_document(
                Statement(
                    sid="InvokeTheSteps",
                    actions=["lambda:InvokeFunction"],
                    # Every version: executions under way keep to the one that they started with.
                    resources=[pulumi.Output.concat(self._args.steps.arn, ":*")],
                ),
                sends_messages(self._args.repair_queue.arn),
                sends_traces(),
                Statement(
                    sid="DeliverLogs",
                    actions=[
                        "logs:CreateLogDelivery",
                        "logs:DeleteLogDelivery",
                        "logs:DescribeLogGroups",
                        "logs:DescribeResourcePolicies",
                        "logs:GetLogDelivery",
                        "logs:ListLogDeliveries",
                        "logs:PutResourcePolicy",
                        "logs:UpdateLogDelivery",
                    ],
                    # Log deliveries know no resource.
                    resources=["*"],
                ),
                uses_key("UseTheCellsKey", self._args.data_key_arn, placement, through=("sqs", "states")),
            ),
            opts=self._child,
        )
        return role, policy

    def _alarms(self) -> None:
        for part, metrics, description in (
            (
                "failed",
                ("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"),
                (
                    "A checkout ended without an outcome: its order is still pending, and money or stock may be held. "
                    "Look for it in the repair queue, mend the cause, then redrive it."
                ),
            ),
            (
                "throttled",
                ("ExecutionThrottled",),
                "Checkouts wait for Step Functions. Compare the account's limits with the rate of orders.",
            ),
        ):
            alarm(
                f"{self._name}-{part}",
                f"{SAGA}-{part}",
                AlarmArgs(
                    placement=self._args.placement,
                    component=_COMPONENT,
                    topic_arn=self._args.alarm_topic_arn,
                    description=description,
                    metrics=[
                        Metric(namespace="AWS/States", name=metric, dimensions={"StateMachineArn": self.arn})
                        for metric in metrics
                    ],
                    threshold=0,
                ),
                self._child,
            )
