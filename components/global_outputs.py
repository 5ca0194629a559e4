"""What the global stack exports and the cells read: both sides of the seam in one file, so that they agree."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import pulumi
from pulumi.output import UNKNOWN

from components.naming import Table
from components.settings import GLOBAL_STACK, Context

_TABLES: Final = "tables"
_DATA_KEY_ARNS: Final = "data_key_arns"
_IMAGES: Final = "images"
_USER_POOLS: Final = "user_pools"


@dataclass(frozen=True, kw_only=True)
class ReplicatedTable:
    """A replicated table as the global stack made it; mappings are by Region."""

    name: pulumi.Output[str]
    arns: Mapping[str, pulumi.Output[str]]
    stream_arns: Mapping[str, pulumi.Output[str]]


@dataclass(frozen=True, kw_only=True)
class UserPool:
    """A Region's user pool and its clients. Client secrets are no output: who may read one asks Cognito for it."""

    id: pulumi.Output[str]
    arn: pulumi.Output[str]
    issuer: pulumi.Output[str]
    """What the pool writes as `iss` into its tokens."""
    client_id: pulumi.Output[str]
    system_client_id: pulumi.Output[str]
    domain: pulumi.Output[str]
    """The host of the token endpoint."""


@dataclass(frozen=True, kw_only=True)
class GlobalOutputs:
    """Everything that cells may know of the global stack."""

    tables: Mapping[Table, ReplicatedTable]
    data_key_arns: Mapping[str, pulumi.Output[str]]
    images: Mapping[Context, Mapping[str, pulumi.Output[str]]]
    """Image by digest (`<repository>@sha256:…`), by context and Region."""
    user_pools: Mapping[str, UserPool]

    def exports(self) -> Mapping[str, pulumi.Output[Any]]:
        """Return the stack's outputs by name."""
        values: Mapping[str, object] = {
            _TABLES: {
                table.value: {"name": made.name, "arns": made.arns, "stream_arns": made.stream_arns}
                for table, made in self.tables.items()
            },
            _DATA_KEY_ARNS: self.data_key_arns,
            _IMAGES: {context.value: images for context, images in self.images.items()},
            _USER_POOLS: {
                region: {
                    "id": pool.id,
                    "arn": pool.arn,
                    "issuer": pool.issuer,
                    "client_id": pool.client_id,
                    "system_client_id": pool.system_client_id,
                    "domain": pool.domain,
                }
                for region, pool in self.user_pools.items()
            },
        }
        return {name: pulumi.Output.from_input(value) for name, value in values.items()}


class GlobalStackIsBehindError(Exception):
    """The global stack's outputs lack something that this cell needs."""


@dataclass(frozen=True, kw_only=True)
class SharedTable:
    """This Region's replica of a replicated table."""

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    stream_arn: pulumi.Output[str]


@dataclass(frozen=True, kw_only=True)
class TokenIssuer:
    """A user pool whose access tokens every cell accepts."""

    issuer: str
    client_ids: tuple[str, ...]


class SharedOutputs:
    """The global stack's outputs as the cell of one Region needs them."""

    def __init__(self, reference: pulumi.StackReference, *, region: str) -> None:
        self._reference = reference
        self._region = region
        self._outputs: dict[str, pulumi.Output[Any]] = {}

    @classmethod
    def of_global_stack(cls, *, region: str) -> "SharedOutputs":
        """Refer to the global stack of the same organization and project."""
        stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{GLOBAL_STACK}"
        return cls(pulumi.StackReference(stack), region=region)

    def table(self, table: Table) -> SharedTable:
        """Return this Region's replica of a table."""
        return SharedTable(
            name=self._at(_TABLES, table, "name"),
            arn=self._at(_TABLES, table, "arns", self._region),
            stream_arn=self._at(_TABLES, table, "stream_arns", self._region),
        )

    def image(self, context: Context) -> pulumi.Output[str]:
        """Return the context's image in this Region's repository, by digest."""
        return self._at(_IMAGES, context, self._region)

    @property
    def data_key_arn(self) -> pulumi.Output[str]:
        """The key of this Region's replicas, which readers and writers of the tables need through DynamoDB."""
        return self._at(_DATA_KEY_ARNS, self._region)

    @property
    def token_issuers(self) -> pulumi.Output[tuple[TokenIssuer, ...]]:
        """The user pools of all Regions, in the order of their names."""
        return self._output(_USER_POOLS).apply(_issuers)

    def _at(self, output: str, *path: str) -> pulumi.Output[str]:
        return self._output(output, *path).apply(str)

    def _output(self, output: str, *path: str) -> pulumi.Output[Any]:
        """Return what stands at a path of an output.

        A preview shows what is missing as unknown: the change that is previewed may be the one that adds it to
        `global`, which is deployed first. A deployment refuses it.
        """

        def look_up(value: object) -> Any:
            try:
                return _value_at({} if value is None else {output: value}, (output, *path))
            except GlobalStackIsBehindError:
                if not pulumi.runtime.is_dry_run():
                    raise
                return pulumi.Output.from_input(UNKNOWN)

        # Asked for once: each answer of the SDK is made of an output for every part, and grows with the Regions.
        if output not in self._outputs:
            self._outputs[output] = self._reference.get_output(output)
        return self._outputs[output].apply(look_up)


def _issuers(pools: object) -> tuple[TokenIssuer, ...]:
    by_region = cast("Mapping[str, Mapping[str, str]]", pools)
    return tuple(
        TokenIssuer(issuer=pool["issuer"], client_ids=(pool["client_id"], pool["system_client_id"]))
        for _, pool in sorted(by_region.items())
    )


def _value_at(outputs: Mapping[str, object], path: tuple[str, ...]) -> object:
    value: object = outputs
    for depth, part in enumerate(path):
        inner = cast("Mapping[str, object]", value if isinstance(value, Mapping) else {})
        if part not in inner:
            found = ".".join(path[: depth + 1])
            raise GlobalStackIsBehindError(
                f"the stack {GLOBAL_STACK!r} has no output {found}: deploy it with the present Pulumi.yaml, "
                "then this cell"
            )
        value = inner[part]
    return value
