"""What must survive: killed workers, a killed service, a bus that refuses."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping

import httpx
import pytest

from local.deployment import Deployment
from local.standins.emulator import Emulator
from local.standins.gateway.application import GatewayApplication
from local.standins.gateway.permissions import Permissions
from local.standins.gateway.server import PERMISSION, declared_api
from local.standins.http_client import HttpClient, HttpResponse
from local.standins.reporting import JsonLinesReport
from tests.local.end_to_end.shop import Shop, eventually, lines
from tests.local.end_to_end.worker_kills import processes_with

PROJECTOR = "workloads.loyalty.entrypoints.projector"


@pytest.mark.parametrize(
    "handler",
    [
        "workloads.checkout.entrypoints.outbox.handler",
        "workloads.checkout.entrypoints.saga_starter.handler",
        "workloads.checkout.entrypoints.saga_steps.handler",
        "workloads.checkout.entrypoints.commands.handler",
        "workloads.loyalty.entrypoints.awards.handler",
        "workloads.singleview.entrypoints.updates.handler",
    ],
)
@pytest.mark.usefixtures("impatient_queues")
def test_orders_survive_the_end_of_a_function_worker(shop: Shop, handler: str) -> None:
    customer = shop.customer(shop.regions[0], cents=3_000)
    sku = shop.title(cents=100, units=30)
    shop.ended(customer, shop.order(customer, sku).headers["Location"])
    victims = processes_with(handler)
    assert victims, f"no worker runs {handler}"

    locations: list[str] = []
    for number in range(9):
        arrival = shop.regions[number % 2]
        locations.append(shop.order(customer, sku, region=arrival).headers["Location"])
        if number == 4:
            for victim in victims:
                victim.send_signal(signal.SIGKILL)

    assert {shop.ended(customer, location)["state"] for location in locations} == {"Completed"}
    for region in shop.regions:
        view = shop.view(
            customer,
            region,
            lambda view: view["wallet"]["balance"]["minorUnits"] == 2_000 and view["points"]["balance"] == 10,
        )
        assert {order["state"] for order in view["orders"]} == {"Completed"}


@pytest.mark.usefixtures("impatient_queues")
def test_a_killed_projector_is_started_again_and_goes_on_where_it_stopped(shop: Shop) -> None:
    customer = shop.customer(shop.regions[0], cents=1_000)
    sku = shop.title(cents=500, units=2)
    victims = processes_with(PROJECTOR)
    assert len(victims) >= len(shop.regions)

    for victim in victims:
        victim.send_signal(signal.SIGKILL)
    shop.ended(customer, shop.order(customer, sku).headers["Location"])

    shop.view(customer, shop.regions[0], lambda view: bool(view.get("points")) and view["points"]["balance"] == 5)
    again = eventually(lambda: processes_with(PROJECTOR), lambda found: len(found) == len(victims))
    assert {process.pid for process in again}.isdisjoint(victim.pid for victim in victims)


@pytest.mark.parametrize(
    "answer",
    [
        HttpResponse(200, {}, b'{"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}'),
        HttpResponse(400, {}, b'{"__type": "ThrottlingException", "message": "Rate exceeded"}'),
        HttpResponse(500, {}, b'{"__type": "InternalException"}'),
    ],
    ids=["entry refused", "throttled", "failed"],
)
def test_a_command_that_the_bus_refuses_is_a_503_and_never_a_silent_loss(shop: Shop, answer: HttpResponse) -> None:
    customer = shop.customer(shop.regions[0])
    request = httpx.Request(
        "POST",
        "http://gateway/v1/commands/place-order",
        headers={"Authorization": f"Bearer {customer.token}", "Idempotency-Key": shop.unique("order")},
        json=lines("any"),
    )

    refused = asyncio.run(_ask_a_gateway_whose_bus_answers(answer, request, shop.deployment, customer.home))

    assert refused.status_code == 503
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.headers["Retry-After"] == "1"
    assert refused.json()["type"].endswith("/command-not-taken")
    assert "Location" not in refused.headers


class _OtherBus:
    """The emulator, but for what PutEvents answers."""

    def __init__(self, url: str, answer: HttpResponse) -> None:
        self._answer = answer
        self._emulator = HttpClient(url)

    async def request(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> HttpResponse:
        if "AWSEvents.PutEvents" in headers.values():
            return self._answer
        return await self._emulator.request(method, path, headers=headers, body=body, timeout_seconds=timeout_seconds)

    async def close(self) -> None:
        await self._emulator.close()


async def _ask_a_gateway_whose_bus_answers(
    answer: HttpResponse, request: httpx.Request, deployment: Deployment, region: str
) -> httpx.Response:
    """Serve the deployed API of a Region once more, in this process, in front of another bus."""
    async with Emulator(deployment.emulator_url, transport=_OtherBus(deployment.emulator_url, answer)) as emulator:
        report = JsonLinesReport()
        declared = (permission.inputs for permission in deployment.of_type(PERMISSION, region=region))
        application = GatewayApplication(
            declared_api(deployment, region=region),
            emulator=emulator,
            permissions=Permissions(declared, report),
            report=report,
        )
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application)) as client:
            return await client.send(request)
