"""The resources that serve the entry API's document: REST API, deployment, stage, permissions, logs and an alarm."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from components.alarms import AlarmArgs, Metric, alarm
from components.entry_api.document import invocations, render
from components.logs import log_group
from components.naming import PARTITION, Placement, resource_name
from components.policy_documents import Statement, policy_document, service_trust_without_source
from components.settings import ApiSize
from components.workload import WorkloadFunction
from components.workload.function import LIVE

STAGE: Final = "live"
# What the document puts onto the bus, in its own name only.
_SOURCE: Final = "meridian.entry-api"
_COMMANDS: Final = (
    "PlaceOrder",
    "SetPrice",
    "SetAllotment",
    "SetSellingMode",
    "TransferAllotment",
    "StopSelling",
    "ResumeSelling",
)

_COMPONENT: Final = "EntryApi"
_ACCESS_LOG_GROUP: Final = "/meridian/entry-api/access"

# No path, query, body or customer: what was asked for is the resource, and who asked for it the kind of caller.
_ACCESS_LOG_FORMAT: Final[Mapping[str, str]] = {
    "requestId": "$context.requestId",
    "extendedRequestId": "$context.extendedRequestId",
    "traceId": "$context.xrayTraceId",
    "requestTime": "$context.requestTime",
    "sourceIp": "$context.identity.sourceIp",
    "protocol": "$context.protocol",
    "httpMethod": "$context.httpMethod",
    "resourcePath": "$context.resourcePath",
    "principalType": "$context.authorizer.principalType",
    "clientId": "$context.authorizer.clientId",
    "status": "$context.status",
    "responseType": "$context.error.responseType",
    "responseLength": "$context.responseLength",
    "responseLatency": "$context.responseLatency",
    "authorizerStatus": "$context.authorizer.status",
    "authorizerLatency": "$context.authorizer.latency",
    "integrationStatus": "$context.integration.status",
    "integrationLatency": "$context.integration.latency",
}


@dataclass(frozen=True, kw_only=True)
class EntryApiArgs:
    """A cell's entry API."""

    placement: Placement
    domain: str
    size: ApiSize
    owns_log_role: bool
    """Whether this stack sets the role by which API Gateway writes logs: there is one an account and Region, and in an
    account that others use too it may be somebody else's."""
    event_bus_arn: pulumi.Input[str]
    functions: Mapping[str, WorkloadFunction]
    """By their placeholder in the document."""
    authorizer: str
    """The placeholder of the function that the gateway asks who calls."""
    telemetry_key_arn: pulumi.Input[str]
    alarm_topic_arn: pulumi.Input[str]


class EntryApi(pulumi.ComponentResource):
    """The REST API of one Region."""

    api_id: pulumi.Output[str]
    url: pulumi.Output[str]
    """Where the stage is called, without a slash at the end; the document's paths follow."""

    def __init__(self, name: str, args: EntryApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("meridian:api:EntryApi", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        placement = args.placement
        body = self._body()
        api = aws.apigateway.RestApi(
            name,
            region=placement.region,
            name=resource_name("entry-api"),
            description="Orders, deposits, commands and queries of this cell",
            body=body,
            endpoint_configuration=aws.apigateway.RestApiEndpointConfigurationArgs(types="REGIONAL"),
            tags=placement.tags(_COMPONENT),
            opts=self._child,
        )
        permissions = self._permissions(api)
        deployment = aws.apigateway.Deployment(
            f"{name}-deployment",
            region=placement.region,
            rest_api=api.id,
            # Changing the document changes the API, but only a new deployment brings it to the stage.
            triggers={"document": body.apply(lambda text: hashlib.sha256(text.encode()).hexdigest())},
            opts=self._child,
        )
        stage = self._stage(api, deployment, permissions)
        self._alarm()
        self.api_id = api.id
        self.url = stage.invoke_url
        self.register_outputs({"apiId": self.api_id, "url": self.url})

    def _body(self) -> pulumi.Output[str]:
        args = self._args
        return pulumi.Output.all(
            Partition=PARTITION,
            Region=args.placement.region,
            Domain=args.domain,
            EventBus=args.event_bus_arn,
            PutEventsRole=self._put_events_role(),
            **{placeholder: function.alias_arn for placeholder, function in args.functions.items()},
        ).apply(render)

    def _put_events_role(self) -> pulumi.Output[str]:
        placement = self._args.placement
        role = aws.iam.Role(
            f"{self._name}-put-events-role",
            name=placement.iam_name("entry-api-put-events"),
            description=f"Puts commands onto the bus in {placement.region}",
            assume_role_policy=service_trust_without_source("apigateway.amazonaws.com"),
            tags=placement.tags(_COMPONENT),
            opts=self._child,
        )
        policy = aws.iam.RolePolicy(
            f"{self._name}-put-events-policy",
            name="put-commands",
            role=role.name,
            policy=policy_document(
                Statement(
                    sid="PutCommands",
                    actions=["events:PutEvents"],
                    resources=[self._args.event_bus_arn],
                    conditions={"StringEquals": {"events:source": _SOURCE, "events:detail-type": list(_COMMANDS)}},
                )
            ),
            opts=self._child,
        )
        # The API must not be deployed before its role may do anything.
        return pulumi.Output.all(role.arn, policy.id).apply(lambda made: made[0])

    def _permissions(self, api: aws.apigateway.RestApi) -> list[aws.lambda_.Permission]:
        """Let each operation invoke its function: this method of this resource in this stage, nothing else."""
        permissions = [
            self._permission(
                f"{self._name}-{invocation.method.lower()}{re.sub(r'[^A-Za-z0-9]+', '-', invocation.path).rstrip('-')}",
                invocation.function,
                # A path parameter stands for any value: `*` where the document has `{…}`.
                pulumi.Output.concat(
                    api.execution_arn, f"/{STAGE}/{invocation.method}", re.sub(r"\{[^}]+\}", "*", invocation.path)
                ),
            )
            for invocation in invocations()
        ]
        # The authorizer's id is made by the import of the document and is no output; the API has this one only.
        authorizer = pulumi.Output.concat(api.execution_arn, "/authorizers/*")
        return [*permissions, self._permission(f"{self._name}-authorizer", self._args.authorizer, authorizer)]

    def _permission(self, name: str, placeholder: str, source_arn: pulumi.Input[str]) -> aws.lambda_.Permission:
        return aws.lambda_.Permission(
            name,
            region=self._args.placement.region,
            action="lambda:InvokeFunction",
            function=self._args.functions[placeholder].name,
            qualifier=LIVE,
            principal="apigateway.amazonaws.com",
            source_arn=source_arn,
            opts=self._child,
        )

    def _stage(
        self,
        api: aws.apigateway.RestApi,
        deployment: aws.apigateway.Deployment,
        permissions: list[aws.lambda_.Permission],
    ) -> aws.apigateway.Stage:
        args = self._args
        placement = args.placement
        access_logs = self._log_group("access-logs", _ACCESS_LOG_GROUP)
        # API Gateway would make the group of its execution logs itself, without retention and key.
        execution_logs = self._log_group(
            "execution-logs", pulumi.Output.concat("API-Gateway-Execution-Logs_", api.id, f"/{STAGE}")
        )
        log_role = [self._log_role()] if args.owns_log_role else []
        stage = aws.apigateway.Stage(
            f"{self._name}-stage",
            region=placement.region,
            rest_api=api.id,
            deployment=deployment.id,
            stage_name=STAGE,
            access_log_settings=aws.apigateway.StageAccessLogSettingsArgs(
                destination_arn=access_logs.arn, format=json.dumps(_ACCESS_LOG_FORMAT)
            ),
            xray_tracing_enabled=True,
            tags=placement.tags(_COMPONENT),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[execution_logs, *log_role, *permissions]),
        )
        aws.apigateway.MethodSettings(
            f"{self._name}-methods",
            region=placement.region,
            rest_api=api.id,
            stage_name=stage.stage_name,
            method_path="*/*",
            settings=aws.apigateway.MethodSettingsSettingsArgs(
                metrics_enabled=True,
                logging_level="ERROR",
                # Would write bodies and tokens into the log.
                data_trace_enabled=False,
                throttling_rate_limit=args.size.requests_per_second,
                throttling_burst_limit=args.size.burst,
            ),
            opts=self._child,
        )
        return stage

    def _log_group(self, part: str, log_group_name: pulumi.Input[str]) -> aws.cloudwatch.LogGroup:
        return log_group(
            f"{self._name}-{part}",
            log_group_name,
            placement=self._args.placement,
            component=_COMPONENT,
            key_arn=self._args.telemetry_key_arn,
            opts=self._child,
        )

    def _log_role(self) -> aws.apigateway.Account:
        """Set the account's log role in this Region; it stays when the cell goes, for other APIs may rely on it."""
        placement = self._args.placement
        retained = pulumi.ResourceOptions(parent=self, retain_on_delete=True)
        role = aws.iam.Role(
            f"{self._name}-log-role",
            name=placement.iam_name("api-gateway-logs"),
            description=f"Writes the logs of API Gateway in {placement.region}",
            assume_role_policy=service_trust_without_source("apigateway.amazonaws.com"),
            tags=placement.tags(_COMPONENT),
            opts=retained,
        )
        # API Gateway refuses a role whose permissions are less than those of this policy, made for it.
        attachment = aws.iam.RolePolicyAttachment(
            f"{self._name}-log-policy",
            role=role.name,
            policy_arn=f"arn:{PARTITION}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs",
            opts=retained,
        )
        return aws.apigateway.Account(
            f"{self._name}-account",
            region=placement.region,
            cloudwatch_role_arn=role.arn,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True, depends_on=[attachment]),
        )

    def _alarm(self) -> None:
        args = self._args
        alarm(
            f"{self._name}-errors",
            "entry-api-errors",
            AlarmArgs(
                placement=args.placement,
                component=_COMPONENT,
                topic_arn=args.alarm_topic_arn,
                description=(
                    "Over 1 % of the requests to the entry API fail on our side. The access log names the operations "
                    "(status, integrationStatus)."
                ),
                metrics=[
                    Metric(
                        namespace="AWS/ApiGateway",
                        name="5XXError",
                        dimensions={"ApiName": resource_name("entry-api"), "Stage": STAGE},
                        statistic="Average",
                    )
                ],
                threshold=0.01,
                periods=3,
                periods_to_alarm=2,
            ),
            self._child,
        )
