"""The entry API of a cell as it is recorded, and served by the gateway of the laptop over an embedded AWS."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from local.recording import Graph
from tests.infrastructure.entry_api.requests import REGION, EmbeddedAws, gateway
from tests.local.standins.gateway_setup import GatewayClient


@pytest.fixture(scope="module")
def cell(cell_graphs: Mapping[str, Graph]) -> Graph:
    return cell_graphs[REGION]


@pytest.fixture(scope="module")
def body(cell: Graph) -> dict[str, Any]:
    (api,) = cell.of_type("aws:apigateway/restApi:RestApi")
    return json.loads(api.inputs["body"])


@pytest.fixture
def aws() -> EmbeddedAws:
    return EmbeddedAws()


@pytest.fixture
def api(cell: Graph, aws: EmbeddedAws) -> GatewayClient:
    return gateway(cell, aws)
