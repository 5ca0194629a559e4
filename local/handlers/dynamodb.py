"""DynamoDB tables with their replicas: one Pulumi resource is several calls in several Regions."""

from types import MappingProxyType
from typing import Any, Final

from botocore.exceptions import ClientError

from local import computed
from local.handlers.base import Context, Handler, Properties, State, declared_state, is_missing
from local.recording import RecordedResource

_SERVICE: Final = "dynamodb"


class ProtectedReplicaError(Exception):
    """A replica would have to be deleted."""


class TableHandler(Handler):
    """A table, its settings, and the same settings of each replica in its own Region."""

    replaced_by = (*Handler.replaced_by, "hashKey", "rangeKey", "localSecondaryIndexes")
    enriched = ("replicas",)
    observed_as = MappingProxyType({"TableClassSummary": "tableClass", "SSEDescription": "serverSideEncryption"})

    def create(self, context: Context, resource: RecordedResource) -> State:
        """Create the table, then its replicas, then what only a call of its own can set."""
        inputs, table = resource.inputs, _name(resource)
        context.call(_SERVICE, resource.region, "CreateTable", _definition(table, inputs))
        for replica in inputs.get("replicas") or ():
            _add_replica(context, resource.region, table, replica)
        _configure(context, resource.region, table, inputs)
        return table, self._outputs(context, resource)

    def read(self, context: Context, resource: RecordedResource) -> dict[str, Any] | None:
        """Return the table's description, and what only calls of their own tell."""
        known = {"TableName": _name(resource)}
        try:
            table = context.call(_SERVICE, resource.region, "DescribeTable", known)["Table"]
            backups = context.call(_SERVICE, resource.region, "DescribeContinuousBackups", known)
            expiry = context.call(_SERVICE, resource.region, "DescribeTimeToLive", known)
            recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
            enabled = recovery["PointInTimeRecoveryStatus"] == "ENABLED"
            return {**table, "PointInTimeRecovery": {"Enabled": enabled}, "Ttl": expiry["TimeToLiveDescription"]}
        except ClientError as error:
            if is_missing(error):
                return None
            raise

    def adopt(self, context: Context, resource: RecordedResource) -> dict[str, Any]:
        """Return the streams that the table and its replicas have."""
        return self._outputs(context, resource)

    def update(self, context: Context, old: RecordedResource, new: RecordedResource) -> dict[str, Any]:
        """Change streams, protection, recovery and expiry; add and remove replicas."""
        table = _name(new)
        before = {replica["regionName"]: replica for replica in old.inputs.get("replicas") or ()}
        after = {replica["regionName"]: replica for replica in new.inputs.get("replicas") or ()}
        for region in before.keys() - after.keys():
            _remove_replica(context, new.region, table, region)
        for region in before.keys() & after.keys():
            if before[region].get("kmsKeyArn") != after[region].get("kmsKeyArn"):
                # A replica is encrypted with the key that it was made with: the provider makes it anew.
                # https://github.com/hashicorp/terraform-provider-aws/pull/29102
                _refuse_protected(context, region, table)
                _remove_replica(context, new.region, table, region)
                _add_replica(context, new.region, table, after[region])
        if _stream(old.inputs) != _stream(new.inputs):
            specification = {"TableName": table, "StreamSpecification": _stream(new.inputs)}
            context.call(_SERVICE, new.region, "UpdateTable", specification)
        _change_indexes(context, table, old, new)
        for region in after.keys() - before.keys():
            _add_replica(context, new.region, table, after[region])
        _configure(context, new.region, table, new.inputs)
        return self._outputs(context, new)

    def delete(self, context: Context, resource: RecordedResource) -> None:
        """Delete the replicas first: a table with replicas refuses."""
        table = _name(resource)
        try:
            for replica in resource.inputs.get("replicas") or ():
                _remove_replica(context, resource.region, table, replica["regionName"])
            context.call(_SERVICE, resource.region, "DeleteTable", {"TableName": table})
        except ClientError as error:
            if not is_missing(error):
                raise

    def _outputs(self, context: Context, resource: RecordedResource) -> dict[str, Any]:
        table = _name(resource)
        _, outputs = declared_state(context, resource)
        outputs |= _identity(context, resource.region, table)
        outputs["replicas"] = [
            replica | _identity(context, replica["regionName"], table)
            for replica in resource.inputs.get("replicas") or ()
        ]
        return outputs


def _definition(table: str, inputs: Properties) -> dict[str, Any]:
    definition: dict[str, Any] = {
        "TableName": table,
        "AttributeDefinitions": _attributes(inputs),
        "KeySchema": _keys(inputs),
        "BillingMode": inputs.get("billingMode", "PROVISIONED"),
        "DeletionProtectionEnabled": bool(inputs.get("deletionProtectionEnabled")),
        "Tags": [{"Key": key, "Value": value} for key, value in (inputs.get("tags") or {}).items()],
    }
    if definition["BillingMode"] == "PROVISIONED":
        definition["ProvisionedThroughput"] = {
            "ReadCapacityUnits": inputs["readCapacity"],
            "WriteCapacityUnits": inputs["writeCapacity"],
        }
    if inputs.get("streamEnabled"):
        definition["StreamSpecification"] = _stream(inputs)
    if encryption := inputs.get("serverSideEncryption"):
        definition["SSESpecification"] = {
            "Enabled": encryption["enabled"],
            "SSEType": "KMS",
            **({"KMSMasterKeyId": encryption["kmsKeyArn"]} if encryption.get("kmsKeyArn") else {}),
        }
    if indexes := inputs.get("globalSecondaryIndexes"):
        definition["GlobalSecondaryIndexes"] = [_index(index) for index in indexes]
    return definition


def _index(index: Properties) -> dict[str, Any]:
    projection: dict[str, Any] = {"ProjectionType": index["projectionType"]}
    if index.get("nonKeyAttributes"):
        projection["NonKeyAttributes"] = index["nonKeyAttributes"]
    return {"IndexName": index["name"], "KeySchema": _keys(index), "Projection": projection}


def _change_indexes(context: Context, table: str, old: RecordedResource, new: RecordedResource) -> None:
    """Delete and create indexes, one a call as DynamoDB wants it; a changed one is made anew."""
    before = {index["name"]: _index(index) for index in old.inputs.get("globalSecondaryIndexes") or ()}
    after = {index["name"]: _index(index) for index in new.inputs.get("globalSecondaryIndexes") or ()}
    changes = [{"Delete": {"IndexName": name}} for name in sorted(before) if before[name] != after.get(name)]
    changes += [{"Create": after[name]} for name in sorted(after) if before.get(name) != after[name]]
    kept = {replica["regionName"] for replica in old.inputs.get("replicas") or ()} & {
        replica["regionName"] for replica in new.inputs.get("replicas") or ()
    }
    # DynamoDB changes the replicas with the table; the emulator changes the table that it is told to.
    for region in (new.region, *sorted(kept)):
        for change in changes:
            known = {"TableName": table, "AttributeDefinitions": _attributes(new.inputs)}
            context.call(_SERVICE, region, "UpdateTable", {**known, "GlobalSecondaryIndexUpdates": [change]})


def _attributes(inputs: Properties) -> list[dict[str, str]]:
    return [
        {"AttributeName": attribute["name"], "AttributeType": attribute["type"]} for attribute in inputs["attributes"]
    ]


def _keys(inputs: Properties) -> list[dict[str, str]]:
    if schemas := inputs.get("keySchemas"):
        return [{"AttributeName": schema["attributeName"], "KeyType": schema["keyType"]} for schema in schemas]
    kinds = {"HASH": inputs.get("hashKey"), "RANGE": inputs.get("rangeKey")}
    return [{"AttributeName": name, "KeyType": kind} for kind, name in kinds.items() if name]


def _stream(inputs: Properties) -> dict[str, Any]:
    if not inputs.get("streamEnabled"):
        return {"StreamEnabled": False}
    return {"StreamEnabled": True, "StreamViewType": inputs.get("streamViewType") or "NEW_AND_OLD_IMAGES"}


def _refuse_protected(context: Context, region: str, table: str) -> None:
    """Refuse to delete a replica that is protected, as DynamoDB does; the emulator deletes it."""
    described = context.call(_SERVICE, region, "DescribeTable", {"TableName": table})["Table"]
    if described.get("DeletionProtectionEnabled"):
        message = (
            f"{table} in {region} can be encrypted with another key only by deleting and making it again, and it is "
            "protected against deletion: take deletionProtectionEnabled of this replica away first"
        )
        raise ProtectedReplicaError(message)


def _add_replica(context: Context, region: str, table: str, replica: Properties) -> None:
    update = {"Create": {"RegionName": replica["regionName"]}}
    context.call(_SERVICE, region, "UpdateTable", {"TableName": table, "ReplicaUpdates": [update]})


def _remove_replica(context: Context, region: str, table: str, replica_region: str) -> None:
    unprotected = {"TableName": table, "DeletionProtectionEnabled": False}
    context.call(_SERVICE, replica_region, "UpdateTable", unprotected)
    update = {"Delete": {"RegionName": replica_region}}
    context.call(_SERVICE, region, "UpdateTable", {"TableName": table, "ReplicaUpdates": [update]})


def _configure(context: Context, region: str, table: str, inputs: Properties) -> None:
    """Set recovery, protection, key and tags in every Region: a new replica starts without them."""
    _configure_in(
        context,
        region,
        table,
        recovery=bool((inputs.get("pointInTimeRecovery") or {}).get("enabled")),
        protection=bool(inputs.get("deletionProtectionEnabled")),
        key=None,
        tags={},
    )
    if expiry := inputs.get("ttl"):
        specification = {"Enabled": bool(expiry.get("enabled")), "AttributeName": expiry["attributeName"]}
        known = {"TableName": table, "TimeToLiveSpecification": specification}
        context.call(_SERVICE, region, "UpdateTimeToLive", known)
    for replica in inputs.get("replicas") or ():
        _configure_in(
            context,
            replica["regionName"],
            table,
            recovery=bool(replica.get("pointInTimeRecovery")),
            protection=bool(replica.get("deletionProtectionEnabled")),
            key=replica.get("kmsKeyArn"),
            tags=(inputs.get("tags") or {}) if replica.get("propagateTags") else {},
        )


def _configure_in(
    context: Context,
    region: str,
    table: str,
    *,
    recovery: bool,
    protection: bool,
    key: str | None,
    tags: Properties,
) -> None:
    backups = {"PointInTimeRecoveryEnabled": recovery}
    known = {"TableName": table, "PointInTimeRecoverySpecification": backups}
    context.call(_SERVICE, region, "UpdateContinuousBackups", known)
    change: dict[str, Any] = {"TableName": table, "DeletionProtectionEnabled": protection}
    if key:
        change["SSESpecification"] = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
    context.call(_SERVICE, region, "UpdateTable", change)
    if tags:
        arn = context.call(_SERVICE, region, "DescribeTable", {"TableName": table})["Table"]["TableArn"]
        pairs = [{"Key": name, "Value": value} for name, value in tags.items()]
        context.call(_SERVICE, region, "TagResource", {"ResourceArn": arn, "Tags": pairs})


def _identity(context: Context, region: str, table: str) -> dict[str, Any]:
    described = context.call(_SERVICE, region, "DescribeTable", {"TableName": table})["Table"]
    return {
        "arn": described["TableArn"],
        "streamArn": described.get("LatestStreamArn", ""),
        "streamLabel": described.get("LatestStreamLabel", ""),
    }


def _name(resource: RecordedResource) -> str:
    return computed.physical_name(resource.type, resource.name, resource.inputs)
