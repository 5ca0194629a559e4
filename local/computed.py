"""What AWS adds to a declared resource: ids, ARNs, URLs and names, built as AWS builds them and the same at every run.

Used where nothing real is created: by the tests that record stacks, and by the laptop mode for what is recorded only.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

ACCOUNT: Final = "123456789012"
_NO_REGION: Final = frozenset({"iam", "cloudfront", "route53", "s3"})

Inputs: TypeAlias = Mapping[str, Any]


def state(type_: str, name: str, inputs: Inputs, *, account: str = ACCOUNT) -> tuple[str, dict[str, Any]]:
    """Return the id of a resource and all its outputs: the inputs and what AWS would have answered."""
    physical = physical_name(type_, name, inputs)
    region = str(inputs.get("region") or "")
    known: dict[str, Any] = {"account": account, "region": region, "name": physical, "hex": _hex(type_, name, region)}
    outputs: dict[str, Any] = {}
    naming = name_property(type_)
    if naming in _NAMED or type_ in _NAME_PROPERTY:
        outputs[naming] = physical
    outputs["arn"] = arn(type_, known, inputs)
    outputs |= _EXTRA.get(type_, _nothing)(known, outputs["arn"], inputs)
    outputs |= {key: value for key, value in inputs.items() if value is not None and key not in _MERGED}
    if "tags" in inputs:
        outputs["tagsAll"] = inputs["tags"]
    return str(_ID.get(type_, _default_id)(known, outputs)), outputs


def name_property(type_: str) -> str:
    """Return the property that holds the physical name of a type."""
    return _NAME_PROPERTY.get(type_, "name")


def physical_name(type_: str, name: str, inputs: Inputs) -> str:
    """Return the declared name, or the one that Pulumi derives from the logical name."""
    declared = inputs.get(name_property(type_))
    return str(declared) if declared else f"{name}-{_hex(type_, name, str(inputs.get('region') or ''))[:7]}"


def arn(type_: str, known: Mapping[str, Any], inputs: Inputs) -> str:
    """Return the ARN; a type that the table does not list gets the common form `service:type/name`."""
    template = _ARN.get(type_)
    if template is None:
        service, kind = _service_and_kind(type_)
        region = "" if service in _NO_REGION else known["region"]
        return f"arn:aws:{service}:{region}:{known['account']}:{kind}/{known['name']}"
    return template.format(**known, path=inputs.get("path") or "/", inputs=_Declared(inputs))


def invoke(token: str, arguments: Inputs, *, account: str = ACCOUNT) -> dict[str, Any]:
    """Answer the data sources that a program may use without looking at an account's contents."""
    region = str(arguments.get("region") or "us-east-1")
    match token:
        case "aws:index/getCallerIdentity:getCallerIdentity":
            return {"accountId": account, "arn": f"arn:aws:iam::{account}:root", "userId": account, "id": account}
        case "aws:index/getPartition:getPartition":
            return {"partition": "aws", "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws", "id": "aws"}
        case "aws:index/getRegion:getRegion":
            return {"region": region, "name": region, "id": region, "endpoint": f"ec2.{region}.amazonaws.com"}
        case "aws:index/getAvailabilityZones:getAvailabilityZones":
            names = [f"{region}{letter}" for letter in "abc"]
            return {"names": names, "zoneIds": names, "id": region, "region": region}
        case "aws:ecr/getAuthorizationToken:getAuthorizationToken":
            host = f"{account}.dkr.ecr.{region}.amazonaws.com"
            credentials = {"userName": "AWS", "password": "recorded", "authorizationToken": "recorded"}
            return {
                **credentials,
                "id": region,
                "expiresAt": "2026-01-01T12:00:00Z",
                "proxyEndpoint": f"https://{host}",
            }
        case "aws:ec2/getManagedPrefixList:getManagedPrefixList" | "aws:ec2/getPrefixList:getPrefixList":
            return {**arguments, "id": f"pl-{_hex(token, str(arguments), region)[:8]}"}
        case _:
            message = f"the program calls {token}, which has no answer here: add it to {__name__}.invoke"
            raise NotImplementedError(message)


class _Declared:
    """Lets an ARN template name an input: `{inputs.userPoolId}`."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs

    def __getattr__(self, key: str) -> str:
        return str(self._inputs.get(key) or "")


def _service_and_kind(type_: str) -> tuple[str, str]:
    _, module, kind = type_.split(":")
    service = module.split("/", maxsplit=1)[0]
    return _SERVICE.get(service, service), re.sub(r"(?<!^)(?=[A-Z])", "-", kind).lower()


def _hex(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _default_id(known: Mapping[str, Any], outputs: Inputs) -> str:
    del outputs
    return str(known["name"])


def _nothing(known: Mapping[str, Any], arn_: str, inputs: Inputs) -> dict[str, Any]:
    del known, arn_, inputs
    return {}


# The name of the boto3 service where Pulumi's module is called otherwise; ARNs use these too.
_SERVICE: Final = {
    "cloudwatch": "cloudwatch",
    "sfn": "states",
    "appautoscaling": "application-autoscaling",
    "cognito": "cognito-idp",
    "lb": "elasticloadbalancing",
    "alb": "elasticloadbalancing",
}

_NAMED: Final = frozenset({"name"})
_MERGED: Final = frozenset({"replicas"})

# Where the physical name is not in the property `name`.
_NAME_PROPERTY: Final = {
    "aws:s3/bucket:Bucket": "bucket",
    "aws:ecs/taskDefinition:TaskDefinition": "family",
    "aws:rds/cluster:Cluster": "clusterIdentifier",
    "aws:cognito/userPoolDomain:UserPoolDomain": "domain",
    "aws:apigateway/stage:Stage": "stageName",
}

_ARN: Final = {
    "aws:dynamodb/table:Table": "arn:aws:dynamodb:{region}:{account}:table/{name}",
    "aws:kms/key:Key": "arn:aws:kms:{region}:{account}:key/{hex:.8}-{hex:.4}-{hex:.4}-{hex:.4}-{hex:.12}",
    "aws:kms/alias:Alias": "arn:aws:kms:{region}:{account}:{name}",
    "aws:sqs/queue:Queue": "arn:aws:sqs:{region}:{account}:{name}",
    "aws:sns/topic:Topic": "arn:aws:sns:{region}:{account}:{name}",
    "aws:s3/bucket:Bucket": "arn:aws:s3:::{name}",
    "aws:iam/role:Role": "arn:aws:iam::{account}:role{path}{name}",
    "aws:iam/policy:Policy": "arn:aws:iam::{account}:policy{path}{name}",
    "aws:lambda/function:Function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "aws:lambda/alias:Alias": "arn:aws:lambda:{region}:{account}:function:{inputs.functionName}:{name}",
    "aws:lambda/eventSourceMapping:EventSourceMapping": (
        "arn:aws:lambda:{region}:{account}:event-source-mapping:{hex:.8}-{hex:.4}-{hex:.4}-{hex:.4}-{hex:.12}"
    ),
    "aws:cloudwatch/eventBus:EventBus": "arn:aws:events:{region}:{account}:event-bus/{name}",
    "aws:cloudwatch/eventRule:EventRule": "arn:aws:events:{region}:{account}:rule/{inputs.eventBusName}/{name}",
    "aws:cloudwatch/eventArchive:EventArchive": "arn:aws:events:{region}:{account}:archive/{name}",
    "aws:scheduler/scheduleGroup:ScheduleGroup": "arn:aws:scheduler:{region}:{account}:schedule-group/{name}",
    "aws:scheduler/schedule:Schedule": "arn:aws:scheduler:{region}:{account}:schedule/{inputs.groupName}/{name}",
    "aws:cloudwatch/logGroup:LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": "arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
    "aws:sfn/stateMachine:StateMachine": "arn:aws:states:{region}:{account}:stateMachine:{name}",
    "aws:cognito/userPool:UserPool": "arn:aws:cognito-idp:{region}:{account}:userpool/{region}_{hex:.9}",
    "aws:ecr/repository:Repository": "arn:aws:ecr:{region}:{account}:repository/{name}",
    "aws:ecs/cluster:Cluster": "arn:aws:ecs:{region}:{account}:cluster/{name}",
    "aws:ecs/taskDefinition:TaskDefinition": "arn:aws:ecs:{region}:{account}:task-definition/{name}:1",
    "aws:ecs/service:Service": "arn:aws:ecs:{region}:{account}:service/{name}",
    "aws:apigateway/restApi:RestApi": "arn:aws:apigateway:{region}::/restapis/{hex:.10}",
    "aws:apigateway/stage:Stage": "arn:aws:apigateway:{region}::/restapis/{inputs.restApi}/stages/{name}",
    "aws:ec2/vpc:Vpc": "arn:aws:ec2:{region}:{account}:vpc/vpc-{hex:.17}",
    "aws:ec2/subnet:Subnet": "arn:aws:ec2:{region}:{account}:subnet/subnet-{hex:.17}",
    "aws:ec2/securityGroup:SecurityGroup": "arn:aws:ec2:{region}:{account}:security-group/sg-{hex:.17}",
    "aws:ec2/routeTable:RouteTable": "arn:aws:ec2:{region}:{account}:route-table/rtb-{hex:.17}",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "arn:aws:ec2:{region}:{account}:vpc-endpoint/vpce-{hex:.17}",
    "aws:ec2/flowLog:FlowLog": "arn:aws:ec2:{region}:{account}:vpc-flow-log/fl-{hex:.17}",
    "aws:ec2/internetGateway:InternetGateway": "arn:aws:ec2:{region}:{account}:internet-gateway/igw-{hex:.17}",
    "aws:ec2/eip:Eip": "arn:aws:ec2:{region}:{account}:elastic-ip/eipalloc-{hex:.17}",
    "aws:ec2/natGateway:NatGateway": "arn:aws:ec2:{region}:{account}:natgateway/nat-{hex:.17}",
}

_Extra: TypeAlias = Callable[[Mapping[str, Any], str, Inputs], dict[str, Any]]


def _last_of_arn(known: Mapping[str, Any], outputs: Inputs) -> str:
    del known
    return str(outputs["arn"]).rsplit("/", 1)[-1]


def _arn_of(known: Mapping[str, Any], outputs: Inputs) -> str:
    del known
    return str(outputs["arn"])


def _output(*keys: str) -> Callable[[Mapping[str, Any], Inputs], str]:
    """The id is made of outputs, joined by a slash."""
    return lambda _, outputs: "/".join(str(outputs[key]) for key in keys)


_ID: Final[dict[str, Callable[[Mapping[str, Any], Inputs], str]]] = {
    "aws:kms/key:Key": _last_of_arn,
    "aws:sqs/queue:Queue": _output("url"),
    "aws:sns/topic:Topic": _arn_of,
    "aws:sfn/stateMachine:StateMachine": _arn_of,
    "aws:lambda/alias:Alias": _arn_of,
    "aws:lambda/eventSourceMapping:EventSourceMapping": _output("uuid"),
    "aws:scheduler/schedule:Schedule": _output("groupName", "name"),
    "aws:cognito/userPool:UserPool": _last_of_arn,
    "aws:cognito/userPoolClient:UserPoolClient": lambda known, _: str(known["hex"][:26]),
    "aws:apigateway/restApi:RestApi": _last_of_arn,
    "aws:apigateway/deployment:Deployment": lambda known, _: str(known["hex"][:6]),
    "aws:ecs/service:Service": _arn_of,
    "aws:ecs/cluster:Cluster": _arn_of,
    **{
        f"aws:ec2/{kind[0].lower()}{kind[1:]}:{kind}": _last_of_arn
        for kind in (
            "Vpc", "Subnet", "SecurityGroup", "RouteTable", "VpcEndpoint", "FlowLog", "InternetGateway", "Eip",
            "NatGateway",
        )
    },
}  # fmt: skip


def _table(known: Mapping[str, Any], arn_: str, inputs: Inputs) -> dict[str, Any]:
    def stream(table_arn: str) -> str:
        return f"{table_arn}/stream/2026-01-01T00:00:00.000"

    streams = bool(inputs.get("streamEnabled"))
    replicas: list[dict[str, Any]] = []
    for replica in inputs.get("replicas") or ():
        replica_arn = arn_.replace(f":{known['region']}:", f":{replica['regionName']}:")
        replicas.append(replica | {"arn": replica_arn, "streamArn": stream(replica_arn) if streams else ""})
    return {"streamArn": stream(arn_) if streams else "", "streamLabel": "", "replicas": replicas}


def _function(known: Mapping[str, Any], arn_: str, inputs: Inputs) -> dict[str, Any]:
    version = "1" if inputs.get("publish") else "$LATEST"
    path = f"arn:aws:apigateway:{known['region']}:lambda:path/2015-03-31/functions"
    return {
        "version": version,
        "qualifiedArn": f"{arn_}:{version}",
        "invokeArn": f"{path}/{arn_}/invocations",
        "qualifiedInvokeArn": f"{path}/{arn_}:{version}/invocations",
    }


def _alias(known: Mapping[str, Any], arn_: str, inputs: Inputs) -> dict[str, Any]:
    del inputs
    path = f"arn:aws:apigateway:{known['region']}:lambda:path/2015-03-31/functions"
    return {"invokeArn": f"{path}/{arn_}/invocations"}


def _user_pool(known: Mapping[str, Any], arn_: str, inputs: Inputs) -> dict[str, Any]:
    del inputs
    return {"endpoint": f"cognito-idp.{known['region']}.amazonaws.com/{arn_.rsplit('/', 1)[-1]}"}


def _repository(known: Mapping[str, Any], arn_: str, inputs: Inputs) -> dict[str, Any]:
    del arn_, inputs
    host = f"{known['account']}.dkr.ecr.{known['region']}.amazonaws.com"
    return {"registryId": known["account"], "repositoryUrl": f"{host}/{known['name']}"}


def _rest_api(known: Mapping[str, Any], arn_: str, inputs: Inputs) -> dict[str, Any]:
    del inputs
    api = arn_.rsplit("/", 1)[-1]
    return {
        "rootResourceId": known["hex"][10:20],
        "executionArn": f"arn:aws:execute-api:{known['region']}:{known['account']}:{api}",
    }


def _stage(known: Mapping[str, Any], arn_: str, inputs: Inputs) -> dict[str, Any]:
    del arn_
    api, region = inputs.get("restApi"), known["region"]
    return {
        "invokeUrl": f"https://{api}.execute-api.{region}.amazonaws.com/{known['name']}",
        "executionArn": f"arn:aws:execute-api:{region}:{known['account']}:{api}/{known['name']}",
    }


def _image(known: Mapping[str, Any], arn_: str, inputs: Inputs) -> dict[str, Any]:
    del arn_
    digest = f"sha256:{known['hex']}"
    tags = inputs.get("tags") or [known["name"]]
    return {"digest": digest, "contextHash": known["hex"], "ref": f"{str(tags[0]).rsplit(':', 1)[0]}@{digest}"}


_EXTRA: Final[dict[str, _Extra]] = {
    "aws:dynamodb/table:Table": _table,
    "aws:kms/key:Key": lambda _, arn_, __: {"keyId": arn_.rsplit("/", 1)[-1]},
    "aws:kms/alias:Alias": lambda _, __, inputs: {"targetKeyArn": inputs.get("targetKeyId")},
    "aws:sqs/queue:Queue": lambda known, _, __: {
        "url": f"https://sqs.{known['region']}.amazonaws.com/{known['account']}/{known['name']}"
    },
    "aws:s3/bucket:Bucket": lambda known, _, __: {
        "bucketDomainName": f"{known['name']}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{known['name']}.s3.{known['region']}.amazonaws.com",
    },
    "aws:iam/role:Role": lambda known, _, __: {"uniqueId": f"AROA{known['hex'][:17].upper()}"},
    "aws:lambda/function:Function": _function,
    "aws:lambda/alias:Alias": _alias,
    "aws:lambda/eventSourceMapping:EventSourceMapping": lambda _, arn_, __: {"uuid": arn_.rsplit(":", 1)[-1]},
    "aws:cognito/userPool:UserPool": _user_pool,
    "aws:cognito/userPoolClient:UserPoolClient": lambda known, _, inputs: {
        "clientSecret": known["hex"][26:] if inputs.get("generateSecret") else ""
    },
    "aws:cognito/resourceServer:ResourceServer": lambda _, __, inputs: {
        "scopeIdentifiers": [f"{inputs['identifier']}/{scope['scopeName']}" for scope in inputs.get("scopes") or ()]
    },
    "aws:ecr/repository:Repository": _repository,
    "aws:ecs/taskDefinition:TaskDefinition": lambda _, arn_, __: {
        "revision": 1,
        "arnWithoutRevision": arn_.removesuffix(":1"),
    },
    "aws:apigateway/restApi:RestApi": _rest_api,
    "aws:apigateway/stage:Stage": _stage,
    "aws:ec2/vpc:Vpc": lambda known, _, __: {
        "defaultSecurityGroupId": f"sg-{known['hex'][20:37]}",
        "defaultRouteTableId": f"rtb-{known['hex'][20:37]}",
        "defaultNetworkAclId": f"acl-{known['hex'][20:37]}",
        "mainRouteTableId": f"rtb-{known['hex'][20:37]}",
    },
    "aws:ec2/vpcEndpoint:VpcEndpoint": lambda known, _, __: {"prefixListId": f"pl-{known['hex'][:8]}"},
    "docker-build:index:Image": _image,
}
