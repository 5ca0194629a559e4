"""Everything that replicates or exists once: shared tables with all their replicas, and the images of all Regions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pulumi
import pulumi_aws as aws

from components.encryption import RegionKey, RegionKeyArgs
from components.global_outputs import ReplicatedTable
from components.images import ContextImage, ContextImageArgs
from components.naming import ORDERS_BY_CUSTOMER, RESERVATIONS_BY_EXPIRY, Placement, Table, resource_name
from components.settings import Architecture, Context

_COMPONENT: Final = "GlobalData"

# Items of the outbox end after 14 days: that long, an event that was not published can be read again.
_TIME_TO_LIVE: Final[Mapping[Table, str]] = {Table.CHECKOUT_OUTBOX: "expires_at"}


@dataclass(frozen=True, kw_only=True)
class _Index:
    """An index of a table: in it are only the items that have both keys, with all keys and these attributes."""

    name: str
    keys: tuple[str, str]
    attributes: Sequence[str] = ()

    def args(self) -> aws.dynamodb.TableGlobalSecondaryIndexArgs:
        partition, sort = self.keys
        return aws.dynamodb.TableGlobalSecondaryIndexArgs(
            name=self.name,
            key_schemas=[
                aws.dynamodb.TableGlobalSecondaryIndexKeySchemaArgs(attribute_name=partition, key_type="HASH"),
                aws.dynamodb.TableGlobalSecondaryIndexKeySchemaArgs(attribute_name=sort, key_type="RANGE"),
            ],
            projection_type="INCLUDE" if self.attributes else "KEYS_ONLY",
            non_key_attributes=list(self.attributes) or None,
        )


_INDEXES: Final[Mapping[Table, Sequence[_Index]]] = {
    Table.CHECKOUT: (
        _Index(
            name=RESERVATIONS_BY_EXPIRY,
            keys=("expiry_bucket", "expires_at"),
            attributes=("order_id", "customer_id"),
        ),
        # Of what names a customer, only orders have been placed. Keys only: written once an order, not at each of its
        # moves; what a page shows of the orders is read from the table, consistently.
        _Index(name=ORDERS_BY_CUSTOMER, keys=("customer_id", "placed_at")),
    )
}


@dataclass(frozen=True, kw_only=True)
class GlobalDataArgs:
    """The data of all Regions."""

    placements: Sequence[Placement]
    """One a Region, in the order of the list; the first one's Region owns the tables."""
    architecture: Architecture
    directory: Path
    image_digests: Mapping[Context, str]
    ephemeral: bool


class GlobalData(pulumi.ComponentResource):
    """Keys, replicated tables, repositories and images, by `region=` from one stack."""

    tables: Mapping[Table, ReplicatedTable]
    data_key_arns: Mapping[str, pulumi.Output[str]]
    images: Mapping[Context, Mapping[str, pulumi.Output[str]]]

    def __init__(self, name: str, args: GlobalDataArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("meridian:data:GlobalData", name, None, opts)
        self._name = name
        self._args = args
        self.data_key_arns = {placement.region: self._data_key(placement) for placement in args.placements}
        self.tables = {table: self._table(table) for table in Table}
        self.images = {context: self._image(context) for context in Context}
        self.register_outputs({"dataKeyArns": self.data_key_arns})

    def _data_key(self, placement: Placement) -> pulumi.Output[str]:
        return RegionKey(
            f"{self._name}-key-{placement.region}",
            RegionKeyArgs(
                placement=placement,
                key_name="global-data",
                description="Meridian: this Region's replicas of the shared tables, and its images",
                via_services=("dynamodb", "ecr"),
                service_statements=(),
                ephemeral=self._args.ephemeral,
            ),
            pulumi.ResourceOptions(parent=self),
        ).arn

    def _table(self, table: Table) -> ReplicatedTable:
        """Make a table in the first Region and its replicas in the others.

        One stack owns both: with a replica in another stack's state, the owner of the table would delete it. Eventual
        consistency among Regions: strong consistency can not span continents, and the data's rules do without it.
        """
        owner, *others = self._args.placements
        indexes = _INDEXES.get(table, ())
        made = aws.dynamodb.Table(
            f"{self._name}-{table}",
            region=owner.region,
            name=resource_name(table),
            billing_mode="PAY_PER_REQUEST",
            hash_key="pk",
            range_key="sk",
            attributes=[
                aws.dynamodb.TableAttributeArgs(name=name, type="S")
                for name in ("pk", "sk", *(key for index in indexes for key in index.keys))
            ],
            global_secondary_indexes=[index.args() for index in indexes],
            ttl=_time_to_live(table),
            stream_enabled=True,
            stream_view_type="NEW_AND_OLD_IMAGES",
            point_in_time_recovery=aws.dynamodb.TablePointInTimeRecoveryArgs(enabled=True),
            server_side_encryption=aws.dynamodb.TableServerSideEncryptionArgs(
                enabled=True, kms_key_arn=self.data_key_arns[owner.region]
            ),
            deletion_protection_enabled=not self._args.ephemeral,
            replicas=[
                aws.dynamodb.TableReplicaArgs(
                    region_name=other.region,
                    consistency_mode="EVENTUAL",
                    kms_key_arn=self.data_key_arns[other.region],
                    # Off by default on a replica, whatever the table says.
                    point_in_time_recovery=True,
                    deletion_protection_enabled=not self._args.ephemeral,
                    propagate_tags=True,
                )
                for other in others
            ],
            tags=owner.tags(_COMPONENT),
            opts=pulumi.ResourceOptions(parent=self, protect=not self._args.ephemeral),
        )
        return ReplicatedTable(
            name=made.name,
            arns={
                placement.region: pulumi.Output.from_input(placement.table_arn(table))
                for placement in self._args.placements
            },
            stream_arns={
                owner.region: made.stream_arn,
                **{other.region: _replica_stream(made, other.region) for other in others},
            },
        )

    def _image(self, context: Context) -> Mapping[str, pulumi.Output[str]]:
        return ContextImage(
            f"{self._name}-{context}",
            ContextImageArgs(
                context=context,
                placements=self._args.placements,
                key_arns=self.data_key_arns,
                architecture=self._args.architecture,
                directory=self._args.directory,
                digest=self._args.image_digests.get(context),
                ephemeral=self._args.ephemeral,
            ),
            pulumi.ResourceOptions(parent=self),
        ).references


class ReplicaWithoutStreamError(Exception):
    """A replica did not answer with its stream, from which the Region's outbox consumer reads."""


def _time_to_live(table: Table) -> aws.dynamodb.TableTtlArgs | None:
    attribute = _TIME_TO_LIVE.get(table)
    return aws.dynamodb.TableTtlArgs(enabled=True, attribute_name=attribute) if attribute else None


def _replica_stream(table: aws.dynamodb.Table, region: str) -> pulumi.Output[str]:
    def stream(replicas: Sequence[aws.dynamodb.outputs.TableReplica] | None) -> str:
        for replica in replicas or ():
            if replica.region_name == region and replica.stream_arn:
                return replica.stream_arn
        raise ReplicaWithoutStreamError(f"the replica in {region} has no stream: refresh the global stack")

    return table.replicas.apply(stream)
