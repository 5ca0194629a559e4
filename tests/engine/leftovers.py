"""Lists what an account still holds, by the services' own lists."""

from collections.abc import Callable
from typing import Any, Final

from local.provider.ledger import Ledger
from tests.engine.environment import Environment

_Names = Callable[[dict[str, Any]], list[str]]


def _of(list_: str, key: str = "") -> _Names:
    return lambda answer: [str(item[key]) if key else str(item) for item in answer.get(list_) or ()]


# service, operation, parameters, names in the answer
_LISTS: Final[list[tuple[str, str, dict[str, Any], _Names]]] = [
    ("dynamodb", "ListTables", {}, _of("TableNames")),
    ("sqs", "ListQueues", {}, _of("QueueUrls")),
    ("sns", "ListTopics", {}, _of("Topics", "TopicArn")),
    ("lambda", "ListFunctions", {}, _of("Functions", "FunctionName")),
    ("lambda", "ListEventSourceMappings", {}, _of("EventSourceMappings", "UUID")),
    ("s3", "ListBuckets", {}, _of("Buckets", "Name")),
    ("iam", "ListRoles", {}, _of("Roles", "RoleName")),
    ("kms", "ListAliases", {}, _of("Aliases", "AliasName")),
    ("events", "ListEventBuses", {"NamePrefix": "meridian"}, _of("EventBuses", "Name")),
    ("events", "ListRules", {}, _of("Rules", "Name")),
    ("events", "ListArchives", {}, _of("Archives", "ArchiveName")),
    ("stepfunctions", "ListStateMachines", {}, _of("stateMachines", "name")),
    ("logs", "DescribeLogGroups", {}, _of("logGroups", "logGroupName")),
    ("cloudwatch", "DescribeAlarms", {}, _of("MetricAlarms", "AlarmName")),
    ("cognito-idp", "ListUserPools", {"MaxResults": 60}, _of("UserPools", "Name")),
]


def leftovers(environment: Environment, region: str) -> list[str]:
    """Return what is there, as `service name`; a key counts until its deletion is scheduled."""
    found = [
        f"{service} {name}"
        for service, operation, parameters, names in _LISTS
        for name in names(environment.context.call(service, region, operation, parameters))
    ]
    for key in environment.context.call("kms", region, "ListKeys", {})["Keys"]:
        described = environment.context.call("kms", region, "DescribeKey", {"KeyId": key["KeyId"]})["KeyMetadata"]
        if described["KeyState"] != "PendingDeletion":
            found.append(f"kms {key['KeyId']}")
    found += [f"{entry.type} {entry.id}" for entry in Ledger(environment.project.ledger).entries()]
    return found
