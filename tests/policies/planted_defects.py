"""One defect or more for every rule, planted into the recorded graph of the real program."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from policies import tokens
from tests.policies.planting import (
    CELL,
    GLOBAL,
    OTHER,
    Defect,
    allowing,
    containers_with,
    first_operation,
    first_task,
    gone,
    having,
    lacking,
    new,
    saying,
    unprotected,
    without,
)

_TABLES: Final = "arn:aws:dynamodb:us-east-1:123456789012:table"
_ANYWHERE: Final = "arn:aws:dynamodb:*:123456789012:table/t"
_EVERYONE: Final = {"Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
_SERVICE: Final = {"Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*"}
_CLUSTER: Final = {
    "clusterIdentifier": "meridian-planted",
    "engine": "aurora-postgresql",
    "engineVersion": "16.6",
    "region": CELL,
}
_DEFINITION: Final = tokens.TASK_DEFINITION

PLANTED: Final[Mapping[str, Sequence[Defect]]] = {
    # Encryption
    "data-at-rest-uses-a-customer-key": [
        without(tokens.QUEUE, "kmsMasterKeyId"),
        having(tokens.QUEUE, "kmsMasterKeyId", "alias/aws/sqs"),
        without(tokens.TABLE, "serverSideEncryption", stack=GLOBAL),
        without(tokens.LOG_GROUP, "kmsKeyId"),
        without(tokens.STATE_MACHINE, "encryptionConfiguration"),
        without(tokens.BUS, "kmsKeyIdentifier"),
        having(tokens.REPOSITORY, "encryptionConfigurations.0.encryptionType", "AES256", stack=GLOBAL),
    ],
    "replicas-use-a-customer-key": [
        without(tokens.TABLE, "replicas.0.kmsKeyArn", stack=GLOBAL),
        having(tokens.TABLE, "replicas.0.kmsKeyArn", "arn:aws:kms:us-east-1:123456789012:key/1", stack=GLOBAL),
    ],
    "buckets-use-a-customer-key": [gone(tokens.BUCKET_ENCRYPTION)],
    "keys-rotate": [
        having(tokens.KEY, "enableKeyRotation", value=False),
        having(tokens.KEY, "deletionWindowInDays", 1),
    ],
    "plain-connections-are-refused": [gone(tokens.BUCKET_POLICY), without(tokens.QUEUE, "policy")],
    "endpoints-speak-current-tls": [
        new(tokens.API_DOMAIN, domainName="api.example", securityPolicy="TLS_1_0"),
        new(tokens.LISTENER, protocol="HTTP"),
        new(tokens.DISTRIBUTION, GLOBAL, viewerCertificate={"minimumProtocolVersion": "TLSv1"}),
    ],
    # Public access
    "buckets-block-public-access": [
        gone(tokens.BUCKET_PUBLIC_ACCESS_BLOCK),
        having(tokens.BUCKET_PUBLIC_ACCESS_BLOCK, "restrictPublicBuckets", value=False),
    ],
    "buckets-have-no-public-access-list": [new(tokens.BUCKET_ACL, acl="public-read")],
    "resource-policies-name-their-principals": [
        allowing(tokens.QUEUE, _EVERYONE, "for everyone"),
        allowing(tokens.KEY, {"NotPrincipal": {"AWS": "1"}, "Action": "kms:Decrypt", "Resource": "*"}, "for others"),
    ],
    "functions-are-not-public": [
        having(tokens.FUNCTION_PERMISSION, "principal", "*"),
        new(tokens.FUNCTION_URL, authorizationType="NONE"),
    ],
    "the-internet-is-not-let-in": [
        new(tokens.SECURITY_GROUP_INGRESS, cidrIpv4="0.0.0.0/0", ipProtocol="tcp", fromPort=22, toPort=22),
        new(tokens.SECURITY_GROUP, ingress=[{"ipv6CidrBlocks": ["::/0"]}]),
        new(tokens.SECURITY_GROUP_RULE, type="ingress", cidrBlocks=["10.0.0.0/8", "0.0.0.0/0"]),
    ],
    "the-internet-is-not-reached": [
        new(tokens.SECURITY_GROUP_EGRESS, cidrIpv4="0.0.0.0/0", ipProtocol="-1"),
        new(tokens.SECURITY_GROUP, egress=[{"cidrBlocks": ["0.0.0.0/0"]}]),
    ],
    "default-security-groups-are-empty": [gone(tokens.SECURITY_GROUP_DEFAULT)],
    "nothing-gets-a-public-address": [
        having(tokens.SERVICE, "networkConfiguration.assignPublicIp", value=True),
        having(tokens.SUBNET, "mapPublicIpOnLaunch", value=True),
    ],
    "endpoints-keep-a-perimeter": [without(tokens.VPC_ENDPOINT, "policy")],
    # IAM
    "actions-are-named": [
        allowing(tokens.ROLE_POLICY, {"Action": "dynamodb:*", "Resource": f"{_TABLES}/t"}, "on all"),
        allowing(tokens.ROLE_POLICY, {"NotAction": "iam:*", "Resource": "*"}, "with NotAction"),
    ],
    "resources-are-named": [
        allowing(tokens.ROLE_POLICY, {"Action": "dynamodb:GetItem", "Resource": "*"}, "on any resource"),
        allowing(tokens.ROLE_POLICY, {"Action": "dynamodb:GetItem", "Resource": _ANYWHERE}, "anywhere"),
        allowing(
            tokens.ROLE_POLICY,
            {"Action": "dynamodb:GetItem", "Resource": f"{_TABLES}/*"},
            "all",
        ),
    ],
    "trust-is-closed": [
        allowing(tokens.ROLE, {"Principal": "*", "Action": "sts:AssumeRole"}, "of everyone", path="assumeRolePolicy"),
        allowing(
            tokens.ROLE,
            {"Principal": {"AWS": "arn:aws:iam::1:root"}, "Action": "sts:AssumeRole"},
            "of an account",
            path="assumeRolePolicy",
        ),
        allowing(
            tokens.ROLE,
            {"Principal": {"Federated": "token.actions.example"}, "Action": "sts:AssumeRoleWithWebIdentity"},
            "of every subject",
            path="assumeRolePolicy",
        ),
    ],
    "services-are-bound-to-a-source": [
        allowing(tokens.QUEUE, _SERVICE, "for any account's topics"),
        allowing(
            tokens.ROLE,
            {"Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"},
            "for any account",
            path="assumeRolePolicy",
        ),
    ],
    "function-permissions-name-their-source": [without(tokens.FUNCTION_PERMISSION, "sourceArn")],
    "passed-roles-name-their-service": [
        allowing(tokens.ROLE_POLICY, {"Action": "iam:PassRole", "Resource": "arn:aws:iam::1:role/x"}, "passes a role")
    ],
    "no-broad-managed-policy-is-attached": [
        new(tokens.ROLE_POLICY_ATTACHMENT, policyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    ],
    "there-are-no-users": [new(tokens.USER, name="deployer"), new(tokens.ACCESS_KEY, user="deployer")],
    # Durability
    "data-is-protected": [unprotected(tokens.TABLE, stack=GLOBAL), unprotected(tokens.KEY), unprotected(tokens.BUCKET)],
    "deletion-is-refused": [
        having(tokens.TABLE, "deletionProtectionEnabled", value=False),
        having(tokens.TABLE, "replicas.0.deletionProtectionEnabled", value=False, stack=GLOBAL),
        having(tokens.USER_POOL, "deletionProtection", "INACTIVE", stack=GLOBAL),
    ],
    "contents-are-not-deleted": [
        having(tokens.BUCKET, "forceDestroy", value=True),
        having(tokens.REPOSITORY, "forceDelete", value=True, stack=GLOBAL),
        new(tokens.DATABASE_CLUSTER, **_CLUSTER, skipFinalSnapshot=True),
    ],
    "tables-keep-point-in-time-recovery": [
        without(tokens.TABLE, "pointInTimeRecovery"),
        having(tokens.TABLE, "replicas.0.pointInTimeRecovery", value=False, stack=GLOBAL),
    ],
    "databases-keep-backups": [
        new(tokens.DATABASE_CLUSTER, **_CLUSTER, backupRetentionPeriod=1, copyTagsToSnapshot=True),
    ],
    "buckets-keep-versions": [
        gone(tokens.BUCKET_VERSIONING),
        having(tokens.BUCKET_VERSIONING, "versioningConfiguration.status", "Suspended"),
    ],
    "workloads-span-zones": [
        having(tokens.SERVICE, "networkConfiguration.subnets", ["subnet-1"]),
        having(tokens.SERVICE, "desiredCount", 1),
        new(tokens.DATABASE_SINGLE, engine="postgres", multiAz=False),
    ],
    "the-stack-spans-zones": [
        having(tokens.SUBNET, "availabilityZone", "us-east-1c", named="private-a"),
        having(tokens.SCALABLE_TARGET, "minCapacity", 1),
        new(tokens.DATABASE_CLUSTER, **_CLUSTER),
    ],
    # Multi-Region invariants
    "regional-resources-name-their-region": [
        without(tokens.QUEUE, "region"),
        without(tokens.KEY, "region", stack=GLOBAL),
    ],
    "regions-are-allowed": [
        having(tokens.QUEUE, "region", "ap-south-1"),
        having(tokens.TABLE, "replicas.0.regionName", "ap-south-1", stack=GLOBAL),
    ],
    "cells-stay-in-their-region": [having(tokens.QUEUE, "region", OTHER)],
    "global-resources-are-in-the-global-stack": [
        new(tokens.REPOSITORY, name="meridian/other"),
        new(tokens.TABLE, name="meridian-other", replicas=[{"regionName": OTHER}]),
    ],
    "replicas-match-the-regions": [
        having(tokens.TABLE, "replicas", [], stack=GLOBAL),
        having(tokens.TABLE, "streamViewType", "KEYS_ONLY", stack=GLOBAL),
    ],
    "copies-match-the-regions": [
        new(tokens.REPOSITORY, GLOBAL, name="meridian/only-here"),
        having(tokens.KEY_ALIAS, "name", "alias/meridian-renamed", stack=GLOBAL),
    ],
    "engine-versions-agree": [new(tokens.DATABASE_CLUSTER, engine="aurora-postgresql")],
    # Messaging
    "queues-have-dead-letters": [
        without(tokens.QUEUE, "redrivePolicy", named="checkout-commands-queue"),
        saying(
            tokens.QUEUE,
            "redrivePolicy",
            lambda policy: {**policy, "maxReceiveCount": 1000},
            "tried a thousand times",
            named="checkout-commands-queue",
        ),
    ],
    "dead-letters-are-kept": [having(tokens.QUEUE, "messageRetentionSeconds", 345_600, named="dead-letters")],
    "dead-letter-queues-exist": [
        saying(
            tokens.QUEUE,
            "redrivePolicy",
            lambda policy: {**policy, "deadLetterTargetArn": "arn:aws:sqs:us-east-1:123456789012:nowhere"},
            "whose dead letters go nowhere",
            named="checkout-commands-queue",
        ),
    ],
    "messages-stay-hidden-while-handled": [
        having(tokens.QUEUE, "visibilityTimeoutSeconds", 30, named="checkout-commands-queue")
    ],
    "event-targets-have-dead-letters": [
        without(tokens.EVENT_TARGET, "deadLetterConfig"),
        having(tokens.EVENT_TARGET, "retryPolicy.maximumRetryAttempts", 185),
        without(tokens.EVENT_TARGET, "retryPolicy"),
    ],
    "schedules-have-dead-letters": [
        new(
            tokens.SCHEDULE, name="meridian-planted", target={"arn": "arn:aws:lambda:us-east-1:123456789012:function:f"}
        )
    ],
    "consumers-fail-safely": [
        without(tokens.FUNCTION_SOURCE, "functionResponseTypes"),
        having(tokens.FUNCTION_SOURCE, "maximumRetryAttempts", -1, named="outbox"),
        without(tokens.FUNCTION_SOURCE, "destinationConfig", named="outbox"),
        having(tokens.FUNCTION_SOURCE, "bisectBatchOnFunctionError", value=False, named="outbox"),
    ],
    "state-machine-tasks-are-bounded": [
        saying(tokens.STATE_MACHINE, "definition", first_task(lacking("Catch")), "with a task without a catch"),
        saying(tokens.STATE_MACHINE, "definition", first_task(lacking("Retry")), "with a task without a retry"),
        saying(tokens.STATE_MACHINE, "definition", first_task(lacking("TimeoutSeconds")), "with an endless task"),
    ],
    "subscribed-queues-let-send": [
        saying(
            tokens.QUEUE,
            "policy",
            lambda document: {**document, "Statement": document["Statement"][:1]},
            "that lets nobody send",
            named="checkout-commands-queue",
        ),
        new(
            tokens.TOPIC_SUBSCRIPTION,
            protocol="sqs",
            endpoint="arn:aws:sqs:us-east-1:123456789012:meridian-checkout-saga-start",
        ),
    ],
    # Observability
    "log-groups-have-a-retention": [
        without(tokens.LOG_GROUP, "retentionInDays"),
        having(tokens.LOG_GROUP, "retentionInDays", 3653),
    ],
    "requests-are-traced": [
        having(tokens.FUNCTION, "tracingConfig.mode", "PassThrough"),
        having(tokens.API_STAGE, "xrayTracingEnabled", value=False),
        without(tokens.STATE_MACHINE, "tracingConfiguration"),
    ],
    "workloads-write-logs": [
        without(tokens.FUNCTION, "loggingConfig"),
        having(tokens.STATE_MACHINE, "loggingConfiguration.level", "OFF"),
    ],
    "clusters-report-insights": [without(tokens.CLUSTER, "settings")],
    "networks-have-flow-logs": [gone(tokens.FLOW_LOG), having(tokens.FLOW_LOG, "trafficType", "REJECT")],
    "failures-are-alarmed": [
        gone(tokens.ALARM),
        new(tokens.QUEUE, name="meridian-new-dead-letters"),
        new(tokens.FUNCTION, name="meridian-new"),
    ],
    "alarms-have-an-action": [
        having(tokens.ALARM, "alarmActions", []),
        having(tokens.ALARM, "actionsEnabled", value=False),
    ],
    "alarm-topics-let-publish": [
        without(tokens.TOPIC, "policy"),
        having(tokens.ALARM, "alarmActions", ["arn:aws:sns:us-east-1:123456789012:nowhere"]),
    ],
    "alarms-say-what-to-do": [without(tokens.ALARM, "alarmDescription"), without(tokens.ALARM, "treatMissingData")],
    # Cost guards
    "nat-gateways-are-counted": [
        Defect(
            what="four NAT gateways",
            stack=CELL,
            plant=lambda resources: [
                *resources,
                *(
                    replace(gateway, urn=f"{gateway.urn}-{number}", inputs={**gateway.inputs, "subnetId": str(number)})
                    for number in range(4)
                    for gateway in new(tokens.NAT_GATEWAY).plant([])
                ),
            ],
        )
    ],
    "provisioned-capacity-is-limited": [
        having(tokens.TABLE, "billingMode", "PROVISIONED"),
        having(tokens.FUNCTION, "memorySize", 10_240),
        having(tokens.SCALABLE_TARGET, "maxCapacity", 1000),
        new(tokens.FUNCTION_CONCURRENCY, provisionedConcurrentExecutions=500),
    ],
    "instance-classes-are-allowed": [new(tokens.DATABASE_INSTANCE, instanceClass="db.r8g.48xlarge")],
    "stored-things-expire": [gone(tokens.BUCKET_LIFECYCLE), gone(tokens.REPOSITORY_LIFECYCLE, stack=GLOBAL)],
    # API
    "operations-are-authorised": [
        saying(tokens.API, "body", first_operation(lacking("security")), "with an open operation"),
        new(tokens.HTTP_API_ROUTE, routeKey="GET /orders"),
    ],
    "operations-check-their-input": [
        saying(
            tokens.API,
            "body",
            lambda document: {k: v for k, v in document.items() if k != "x-amazon-apigateway-request-validator"},
            "that checks nothing",
        ),
    ],
    "stages-throttle": [
        gone(tokens.API_METHOD_SETTINGS),
        having(tokens.API_METHOD_SETTINGS, "settings.throttlingRateLimit", -1),
    ],
    "stages-write-access-logs": [
        without(tokens.API_STAGE, "accessLogSettings"),
        having(tokens.API_STAGE, "accessLogSettings.format", "$context.status"),
    ],
    "user-pools-are-strict": [
        having(tokens.USER_POOL, "passwordPolicy.minimumLength", 6, stack=GLOBAL),
        having(tokens.USER_POOL, "mfaConfiguration", "OFF", stack=GLOBAL),
        without(tokens.USER_POOL, "adminCreateUserConfig", stack=GLOBAL),
    ],
    "tokens-are-short-lived": [
        having(tokens.USER_POOL_CLIENT, "accessTokenValidity", 1440, stack=GLOBAL),
        without(tokens.USER_POOL_CLIENT, "tokenValidityUnits", stack=GLOBAL),
        having(tokens.USER_POOL_CLIENT, "preventUserExistenceErrors", "LEGACY", stack=GLOBAL, named="shop"),
    ],
    # Containers and functions
    "images-are-named-by-digest": [
        having(tokens.FUNCTION, "imageUri", "123456789012.dkr.ecr.us-east-1.amazonaws.com/meridian/checkout:latest"),
        saying(_DEFINITION, "containerDefinitions", containers_with(image="meridian/loyalty:1"), "with a tag"),
    ],
    "containers-run-without-root": [
        saying(_DEFINITION, "containerDefinitions", containers_with(user="0:0"), "as root"),
        saying(_DEFINITION, "containerDefinitions", containers_with(user=""), "as nobody knows whom"),
    ],
    "root-file-systems-are-read-only": [
        saying(
            _DEFINITION, "containerDefinitions", containers_with(readonlyRootFilesystem=False), "that may be written to"
        )
    ],
    "containers-have-no-privileges": [
        saying(_DEFINITION, "containerDefinitions", containers_with(privileged=True), "with privileges"),
        saying(_DEFINITION, "containerDefinitions", containers_with(linuxParameters={}), "with all capabilities"),
        having(_DEFINITION, "networkMode", "host"),
        having(_DEFINITION, "pidMode", "host"),
    ],
    "environments-hold-no-secrets": [
        having(tokens.FUNCTION, "environment.variables.DATABASE_PASSWORD", "hunter2"),
        having(tokens.FUNCTION, "environment.variables.UPSTREAM", "https://user:hunter2@example.com"),
        saying(
            _DEFINITION,
            "containerDefinitions",
            containers_with(environment=[{"name": "API_KEY", "value": "1"}]),
            "with a secret",
        ),
    ],
    "repositories-are-immutable-and-scanned": [
        having(tokens.REPOSITORY, "imageTagMutability", "MUTABLE", stack=GLOBAL),
        without(tokens.REPOSITORY, "imageScanningConfiguration", stack=GLOBAL),
    ],
    "functions-publish-versions": [having(tokens.FUNCTION, "publish", value=False)],
    "services-roll-back": [without(tokens.SERVICE, "deploymentCircuitBreaker")],
    # Naming and tags
    "names-carry-the-project": [
        having(tokens.QUEUE, "name", "commands"),
        without(tokens.ROLE, "name"),
    ],
    "iam-names-end-with-the-region": [having(tokens.ROLE, "name", "meridian-checkout-api")],
    "tags-are-set": [
        without(tokens.QUEUE, "tags"),
        without(tokens.KEY, "tags.Component"),
        having(tokens.TABLE, "tags.Stack", "elsewhere", stack=GLOBAL),
    ],
}
