"""Policies name actions, resources and callers."""

from collections.abc import Mapping

from local.computed import ACCOUNT
from local.recording import Graph
from tests.infrastructure.inspection import IDENTITY_POLICIES, PolicyStatement, leaves, statements

KEY, ROLE = "aws:kms/key:Key", "aws:iam/role:Role"

# IAM knows no resource for these actions: "*" is the only one that they accept.
WITHOUT_RESOURCE = {
    "cloudwatch:PutMetricData",
    "dynamodb:ListStreams",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "ecr:GetAuthorizationToken",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
}
# These send no source account when they take on a role.
TRUSTED_WITHOUT_SOURCE = {"apigateway.amazonaws.com", "lambda.amazonaws.com"}
# API Gateway refuses a log role that is permitted less than this policy, made for it.
ATTACHED = {"arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"}


def every(graphs: Mapping[str, Graph], *types: str) -> list[PolicyStatement]:
    found = [statement for graph in graphs.values() for statement in statements(graph, *types)]
    assert found
    return found


def test_roles_are_permitted_named_actions_only(graphs: Mapping[str, Graph]) -> None:
    wild = [
        str(statement)
        for statement in every(graphs, *IDENTITY_POLICIES)
        for action in statement.actions
        if "*" in action
    ]

    assert wild == []


def test_roles_are_permitted_named_resources_only(graphs: Mapping[str, Graph]) -> None:
    for statement in every(graphs, *IDENTITY_POLICIES):
        if "*" in statement.resources:
            assert set(statement.actions) <= WITHOUT_RESOURCE, str(statement)


def test_roles_reach_into_their_own_region_only_but_to_the_buses(cell_graphs: Mapping[str, Graph]) -> None:
    for region, graph in cell_graphs.items():
        for statement in statements(graph, *IDENTITY_POLICIES):
            for arn in statement.resources:
                parts = arn.split(":")
                if len(parts) > 3 and parts[3] not in {"", region}:
                    assert statement.actions == ["events:PutEvents"], str(statement)


def test_roles_are_taken_on_by_one_service_for_this_account(graphs: Mapping[str, Graph]) -> None:
    for statement in every(graphs, ROLE):
        assert statement.principals("AWS") == []
        [service] = statement.principals("Service")
        if service not in TRUSTED_WITHOUT_SOURCE:
            assert statement.conditions["StringEquals"]["aws:SourceAccount"] == ACCOUNT, str(statement)


def test_roles_have_policies_of_their_own(graphs: Mapping[str, Graph]) -> None:
    for graph in graphs.values():
        attached = {a.inputs["policyArn"] for a in graph.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")}
        assert attached <= ATTACHED
        for role in graph.of_type(ROLE):
            assert not role.inputs.get("managedPolicyArns")
            assert not role.inputs.get("inlinePolicies")


def test_key_policies_name_the_account_and_services_never_a_role(graphs: Mapping[str, Graph]) -> None:
    for statement in every(graphs, KEY):
        assert statement.allows
        assert "kms:*" not in statement.actions
        assert statement.principals("AWS") in ([], [f"arn:aws:iam::{ACCOUNT}:root"])


def test_the_accounts_principals_use_keys_through_services_only(graphs: Mapping[str, Graph]) -> None:
    using = {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*", "kms:CreateGrant"}

    for statement in every(graphs, KEY):
        if statement.principals("AWS") and using & set(statement.actions):
            assert "kms:ViaService" in statement.condition_keys, str(statement)
            services = statement.conditions["StringEquals"]["kms:ViaService"]
            assert all(service.endswith(f".{statement.resource.region}.amazonaws.com") for service in services)
        if "kms:CreateGrant" in statement.actions:
            assert statement.conditions["Bool"] == {"kms:GrantIsForAWSResource": "true"}


def test_services_use_keys_for_this_account_only(graphs: Mapping[str, Graph]) -> None:
    for statement in every(graphs, KEY):
        if statement.principals("Service"):
            assert ACCOUNT in str(statement.conditions), str(statement)


def test_resource_policies_admit_nobody_unknown(graphs: Mapping[str, Graph]) -> None:
    """Everyone may be refused; a service is admitted for this account; endpoints are perimeters with conditions."""
    for statement in every(graphs):
        if not statement.allows or statement.resource.type in {ROLE, KEY, *IDENTITY_POLICIES}:
            continue
        if "*" in statement.principals("AWS"):
            assert statement.resource.type == "aws:ec2/vpcEndpoint:VpcEndpoint", str(statement)
            perimeter = {"aws:PrincipalAccount", "aws:ResourceAccount"} <= statement.condition_keys
            assert perimeter or statement.resources == [
                f"arn:aws:s3:::prod-{statement.resource.region}-starport-layer-bucket/*"
            ], str(statement)
        if statement.principals("Service"):
            assert "aws:SourceAccount" in statement.condition_keys, str(statement)


def test_queues_and_buckets_refuse_plain_connections(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        types = ("aws:sqs/queue:Queue", "aws:s3/bucketPolicy:BucketPolicy")
        carriers = {resource.urn for type_ in types for resource in graph.of_type(type_)}
        refusing = {
            statement.resource.urn
            for statement in statements(graph, *types)
            if not statement.allows and statement.conditions == {"Bool": {"aws:SecureTransport": "false"}}
        }

        assert refusing == carriers


def test_a_queue_takes_events_from_its_own_rule_only(cell_graphs: Mapping[str, Graph]) -> None:
    for region, graph in cell_graphs.items():
        rules = {rule.outputs["arn"] for rule in graph.of_type("aws:cloudwatch/eventRule:EventRule")}
        targets = {
            target.inputs["arn"]: target.inputs["rule"]
            for target in graph.of_type("aws:cloudwatch/eventTarget:EventTarget")
        }
        admitted: dict[str, str] = {}
        for statement in statements(graph, "aws:sqs/queue:Queue"):
            if statement.allows and "dead-letters" not in statement.resource.name:
                [queue] = statement.resources
                [source] = statement.conditions["ArnLike"]["aws:SourceArn"]
                assert source in rules, f"{region}: {source} is no rule"
                admitted[queue] = source

        assert {queue: source.rsplit("/", 1)[-1] for queue, source in admitted.items()} == {
            arn: rule for arn, rule in targets.items() if ":sqs:" in arn
        }


def test_nothing_is_open_to_the_internet(graphs: Mapping[str, Graph]) -> None:
    for graph in graphs.values():
        for resource in graph:
            opened = [path for path, value in leaves(dict(resource.inputs)) if value in {"0.0.0.0/0", "::/0"}]
            assert opened == [], resource.urn
