"""What must survive: killed workers, a killed service, a bus that refuses."""

from __future__ import annotations

import signal

import psutil
import pytest

from tests.local.end_to_end.shop import Shop, eventually

PROJECTOR = "workloads.loyalty.entrypoints.projector"


def processes_with(argument: str) -> list[psutil.Process]:
    """Return the processes under this one that were started with an argument."""
    found: list[psutil.Process] = []
    for process in psutil.Process().children(recursive=True):
        try:
            if argument in process.cmdline():
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


@pytest.mark.parametrize(
    "handler",
    [
        "workloads.checkout.entrypoints.outbox.handler",
        "workloads.checkout.entrypoints.saga_steps.handler",
        "workloads.checkout.entrypoints.commands.handler",
        "workloads.loyalty.entrypoints.awards.handler",
        "workloads.singleview.entrypoints.updates.handler",
    ],
)
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
            customer, region, lambda view: view["wallet"]["balance"] == 2_000 and view["points"]["balance"] == 10
        )
        assert {order["state"] for order in view["orders"]} == {"Completed"}


def test_a_killed_projector_is_started_again_and_goes_on_where_it_stopped(shop: Shop) -> None:
    customer = shop.customer(shop.regions[0], cents=1_000)
    sku = shop.title(cents=500, units=2)
    victims = processes_with(PROJECTOR)
    assert len(victims) == len(shop.regions)

    for victim in victims:
        victim.send_signal(signal.SIGKILL)
    shop.ended(customer, shop.order(customer, sku).headers["Location"])

    shop.view(customer, shop.regions[0], lambda view: bool(view.get("points")) and view["points"]["balance"] == 5)
    again = eventually(lambda: processes_with(PROJECTOR), lambda found: len(found) == len(shop.regions))
    assert {process.pid for process in again}.isdisjoint(victim.pid for victim in victims)
