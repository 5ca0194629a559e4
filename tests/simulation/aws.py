"""The modelled AWS in the place of the embedded one: for tests that need the adapters' conditions, but no server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from tests.simulation.dynamodb import DynamoDbModel, DynamoDbModelClient, Network
from tests.workloads.regions import HERE, REGIONS
from tests.workloads.tables import replicated_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class ModelledAws:
    """All Regions of the modelled AWS; a write is in every Region at once."""

    def __init__(self) -> None:
        self.model = DynamoDbModel(REGIONS)

    def dynamodb(self, region: str = HERE, network: Network | None = None) -> DynamoDBClient:
        """Return a client of DynamoDB in a Region, behind a network of the caller's own if one is given."""
        client: Any = DynamoDbModelClient(self.model, region, network)
        return cast("DynamoDBClient", client)

    def table(self, name: str, *, regions: tuple[str, ...] = REGIONS) -> str:
        """Make a table with a replica in each Region; return its unique name."""
        return replicated_table(self.dynamodb(regions[0]), name, regions)
