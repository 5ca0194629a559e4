"""At rest with our own keys wherever data, or what was said about it, may lie; on the way with TLS."""

from collections.abc import Iterator, Mapping
from typing import Final

from pulumi_policy import Severity

from policies import tokens
from policies.configuration import Parameters
from policies.documents import statements_about
from policies.resources import Resource, Stack
from policies.rule import Theme, resource_rule, stack_rule

# Where each type says which key it is encrypted with.
_KEY_PROPERTY: Final[Mapping[str, str]] = {
    tokens.ARCHIVE: "kmsKeyIdentifier",
    tokens.BUS: "kmsKeyIdentifier",
    tokens.DATABASE_CLUSTER: "kmsKeyId",
    tokens.DATABASE_SINGLE: "kmsKeyId",
    tokens.FUNCTION: "kmsKeyArn",
    tokens.LOG_GROUP: "kmsKeyId",
    tokens.QUEUE: "kmsMasterKeyId",
    tokens.REPLICATION_INSTANCE: "kmsKeyArn",
    tokens.REPOSITORY: "encryptionConfigurations.kmsKey",
    tokens.SECRET: "kmsKeyId",
    tokens.STATE_MACHINE: "encryptionConfiguration.kmsKeyId",
    tokens.STREAM: "kmsKeyId",
    tokens.TABLE: "serverSideEncryption.kmsKeyArn",
    tokens.TOPIC: "kmsMasterKeyId",
}
# Switches that a key alone does not turn on.
_SWITCH: Final[Mapping[str, tuple[str, object]]] = {
    tokens.DATABASE_CLUSTER: ("storageEncrypted", True),
    tokens.DATABASE_SINGLE: ("storageEncrypted", True),
    tokens.REPOSITORY: ("encryptionConfigurations.encryptionType", "KMS"),
    tokens.STATE_MACHINE: ("encryptionConfiguration.type", "CUSTOMER_MANAGED_KMS_KEY"),
    tokens.STREAM: ("encryptionType", "KMS"),
    tokens.TABLE: ("serverSideEncryption.enabled", True),
}
_TLS_1_2_OR_LATER: Final = (
    "TLS_1_2",
    "TLSv1.2_2021",
    "TLSv1.2_2025",
    "TLSv1.3_2025",
    "SecurityPolicy_TLS12",
    "SecurityPolicy_TLS13",
)


@resource_rule(
    Theme.ENCRYPTION,
    *_KEY_PROPERTY,
    reason="A key of our own says who may read, shows each use and can be taken away; AWS's own keys do none of it.",
    remedy="Pass the Region's key: the data key for data, the telemetry key for logs and alarms.",
    severity=Severity.HIGH,
)
def data_at_rest_uses_a_customer_key(resource: Resource, parameters: Parameters) -> Iterator[str]:
    """What holds or carries data is encrypted with a customer managed key."""
    del parameters
    path = _KEY_PROPERTY[resource.type]
    if not resource.properties.has(path):
        yield f"{path} is not set: give it the ARN of a key of this Region"
    elif any(_is_key_of_aws(key) for key in resource.properties.known_texts(path)):
        yield f"{path} is {resource.properties.text(path)!r}, a key of AWS: give it the ARN of a key of this Region"
    if resource.type in _SWITCH:
        switch, on = _SWITCH[resource.type]
        if resource.properties.get(switch) != on:
            yield f"{switch} is {resource.properties.get(switch)!r}: it must be {on!r}"


@resource_rule(
    Theme.ENCRYPTION,
    tokens.TABLE,
    reason="A replica does not take the table's key: without one of its own it is encrypted with a key of AWS.",
    remedy="Set kms_key_arn on each replica.",
    severity=Severity.HIGH,
)
def replicas_use_a_customer_key(table: Resource, parameters: Parameters) -> Iterator[str]:
    """Every replica of a table is encrypted with a customer managed key of its own Region."""
    del parameters
    for replica in table.properties.objects("replicas"):
        region = replica.text("regionName")
        if not replica.has("kmsKeyArn"):
            yield f"the replica in {region} has no kmsKeyArn"
        for key in replica.known_texts("kmsKeyArn"):
            if f":{region}:" not in key:
                yield f"the replica in {region} has the key {key}, which is not of that Region"


@stack_rule(
    Theme.ENCRYPTION,
    tokens.BUCKET,
    reason="Objects without an encryption of their own would be encrypted with the key of S3, which anyone with read "
    "access to the bucket can use.",
    remedy="Add a BucketServerSideEncryptionConfiguration with aws:kms, the Region's data key and bucket keys.",
    severity=Severity.HIGH,
)
def buckets_use_a_customer_key(bucket: Resource, stack: Stack, parameters: Parameters) -> Iterator[str]:
    """Every bucket encrypts with a customer managed key by default."""
    del parameters
    configurations = stack.referring(tokens.BUCKET_ENCRYPTION, "bucket", bucket)
    rules = [rule for configuration in configurations for rule in configuration.properties.objects("rules")]
    default = "applyServerSideEncryptionByDefault"
    if not any(
        rule.text(f"{default}.sseAlgorithm").startswith("aws:kms") and rule.has(f"{default}.kmsMasterKeyId")
        for rule in rules
    ):
        yield "no encryption configuration of this stack gives the bucket a key"


@resource_rule(
    Theme.ENCRYPTION,
    tokens.KEY,
    reason="Rotation bounds what one leaked key opens. A deleted key makes all data under it unreadable, for ever: the "
    "waiting time is the only way back.",
    remedy="Set enable_key_rotation=True and deletion_window_in_days to 7 or more.",
    severity=Severity.MEDIUM,
)
def keys_rotate(key: Resource, parameters: Parameters) -> Iterator[str]:
    """Every key rotates and waits at least seven days before it is deleted."""
    del parameters
    # AWS rotates no other kind.
    is_symmetric = key.properties.get("customerMasterKeySpec", "SYMMETRIC_DEFAULT") == "SYMMETRIC_DEFAULT"
    if is_symmetric and not key.properties.is_true("enableKeyRotation"):
        yield "enableKeyRotation is not true"
    if key.properties.get("deletionWindowInDays", 30) < 7:
        yield "deletionWindowInDays is below 7"


@stack_rule(
    Theme.ENCRYPTION,
    tokens.BUCKET,
    tokens.QUEUE,
    tokens.TOPIC,
    reason="Without the refusal, a client that is set up for HTTP sends customers' data in the clear and works.",
    remedy="Add the statement of policy_documents.tls_only to the resource's policy.",
    severity=Severity.HIGH,
)
def plain_connections_are_refused(resource: Resource, stack: Stack, parameters: Parameters) -> Iterator[str]:
    """Buckets, queues and topics refuse requests over plain connections."""
    del parameters
    if not any(statement.refuses_plain_connections for statement in statements_about(resource, stack)):
        yield "no policy of this stack denies what comes with aws:SecureTransport false"


@resource_rule(
    Theme.ENCRYPTION,
    tokens.API_DOMAIN,
    tokens.HTTP_API_DOMAIN,
    tokens.DISTRIBUTION,
    tokens.LISTENER,
    reason="Earlier versions can be broken; a client that still uses them is rather refused than overheard.",
    remedy="Set the security policy or the minimum protocol version to TLS 1.2 (2021) or later.",
    severity=Severity.HIGH,
)
def endpoints_speak_current_tls(endpoint: Resource, parameters: Parameters) -> Iterator[str]:
    """What answers clients speaks TLS 1.2 or later, and nothing else."""
    del parameters
    properties = endpoint.properties
    match endpoint.type:
        case tokens.LISTENER:
            if properties.text("protocol") not in ("HTTPS", "TLS"):
                yield f"protocol is {properties.text('protocol')!r}: it must be HTTPS or TLS"
            elif "TLS13" not in properties.text("sslPolicy"):
                yield f"sslPolicy is {properties.text('sslPolicy')!r}: it must be one with TLS13 in its name"
        case tokens.DISTRIBUTION:
            version = properties.text("viewerCertificate.minimumProtocolVersion")
            if version not in _TLS_1_2_OR_LATER:
                yield f"viewerCertificate.minimumProtocolVersion is {version!r}"
            behaviours = [*properties.objects("defaultCacheBehavior"), *properties.objects("orderedCacheBehaviors")]
            if any(behaviour.text("viewerProtocolPolicy") == "allow-all" for behaviour in behaviours):
                yield "viewerProtocolPolicy is 'allow-all': it must redirect to HTTPS or allow only that"
        case tokens.HTTP_API_DOMAIN:
            if properties.text("domainNameConfiguration.securityPolicy") not in _TLS_1_2_OR_LATER:
                yield "domainNameConfiguration.securityPolicy must be TLS_1_2"
        case _:
            if not properties.text("securityPolicy").startswith(_TLS_1_2_OR_LATER):
                yield f"securityPolicy is {properties.text('securityPolicy')!r}: it must be TLS_1_2 or later"


def _is_key_of_aws(key: str) -> bool:
    return "alias/aws/" in key or key in ("AWS_OWNED_KMS_KEY", "AWS_OWNED_KEY")


RULES: Final = (
    data_at_rest_uses_a_customer_key,
    replicas_use_a_customer_key,
    buckets_use_a_customer_key,
    keys_rotate,
    plain_connections_are_refused,
    endpoints_speak_current_tls,
)
