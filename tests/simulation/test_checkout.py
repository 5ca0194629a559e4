"""Checkout in two Regions under every weather: a part of the long run (`make simulate`), and proof that it can fail.

The planted defects are those that public samples of this system have, and those that two Regions make possible.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.simulation import cell as simulated_cell
from tests.simulation import shoppers
from tests.simulation.dynamodb import writing
from tests.simulation.faults import KINDS
from tests.simulation.run import FailedSeedError, Figures, digest, simulate
from workloads.checkout.adapters import keys
from workloads.checkout.application import place_order
from workloads.checkout.domain import order as orders
from workloads.checkout.domain.step import Outcome, Step
from workloads.runtime import batches

CHECKOUTS = 60
SEEDS = 5
"""Of each weather. Thousands of others run in the long run."""


@pytest.mark.parametrize("weather", KINDS)
def test_nothing_is_lost_made_or_told_twice(weather: str) -> None:
    figures = [simulate(seed, CHECKOUTS, KINDS[weather]) for seed in range(SEEDS)]

    assert all(figure.checkouts > CHECKOUTS * 0.7 for figure in figures)
    assert sum(figure.ends.get("Completed", 0) for figure in figures) > 0
    assert sum(figure.ends.get("SoldOut", 0) for figure in figures) > 0


@pytest.mark.soak
def test_five_hundred_seeds() -> None:
    for seed in range(1000, 1500):
        simulate(seed)


def test_a_seed_is_one_history() -> None:
    assert digest(5, 20, KINDS["all at once"]) == digest(5, 20, KINDS["all at once"])


def test_a_seed_is_the_same_history_in_another_process() -> None:
    program = "from tests.simulation.run import digest; print(digest(11, 20))"

    runs = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": "0"}, check=True, capture_output=True
        ).stdout
        for _ in range(2)
    }

    assert len(runs) == 1


Plant = Callable[[pytest.MonkeyPatch], None]


def without_conditions(*prefixes: str) -> Plant:
    """Return what takes the conditions off every write to items whose keys, joined by a slash, begin so.

    The entries of the outbox go with them: each is put under the next number of its aggregate, if that is free, and so
    catches by itself what the condition on the aggregate lets through.
    """

    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        begin = writing.begin_transaction

        def stripped(replica: Any, request: Mapping[str, Any]) -> Any:
            return begin(replica, {**request, "TransactItems": [*map(strip, request["TransactItems"])]})

        def strip(one: Mapping[str, Any]) -> Mapping[str, Any]:
            [(kind, action)] = one.items()
            key = action["Item"] if kind == "Put" else action["Key"]
            if kind == "ConditionCheck" or not f"{key['pk']['S']}/{key['sk']['S']}".startswith(prefixes):
                return one
            condition = action.get("ConditionExpression", "")
            rest = {name: value for name, value in action.items() if name != "ConditionExpression"}
            text = rest.get("UpdateExpression", "")
            for field, mark in (("ExpressionAttributeNames", "#"), ("ExpressionAttributeValues", ":")):
                used = {n: v for n, v in rest.get(field, {}).items() if n in text or n not in condition}
                rest = {name: value for name, value in rest.items() if name != field} | ({field: used} if used else {})
                assert all(name.startswith(mark) for name in used)
            return {kind: rest}

        monkeypatch.setattr(writing, "begin_transaction", stripped)
        monkeypatch.setattr("tests.simulation.network.begin_transaction", stripped)

    return plant


def one_allotment_for_all_regions(monkeypatch: pytest.MonkeyPatch) -> None:
    def shared(sku: str, _region: str) -> keys.Key:
        return {"pk": f"ALLOTMENT#{sku}", "sk": "ALLOTMENT"}

    monkeypatch.setattr(keys, "allotment", shared)


def an_order_id_of_each_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant that two tries in two Regions are two orders."""
    count = iter(range(10**6))

    def another(customer: str, key: str) -> str:
        return f"o-{customer}-{key}-{next(count)}"

    for module in (place_order, orders):
        monkeypatch.setattr(module, "order_id", another)


def without_step(skipped: Step, answer: Outcome) -> Plant:
    """Return what lets a step answer as if it had been done."""

    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        carry_out = simulated_cell.saga_steps.carry_out

        def forgetful(ports: Any, request: Any) -> Outcome:
            return answer if request.step is skipped else carry_out(ports, request)

        monkeypatch.setattr(simulated_cell.saga_steps, "carry_out", forgetful)

    return plant


def compensation_only_on_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant what the public sample does: an exception ends the saga without a way back."""
    define = simulated_cell.definition

    def without_catches(**arguments: Any) -> Mapping[str, Any]:
        machine = define(**arguments)
        states = {
            name: {field: value for field, value in state.items() if field not in {"Catch", "Retry"}}
            for name, state in machine["States"].items()
        }
        return {**machine, "States": states}

    monkeypatch.setattr(simulated_cell, "definition", without_catches)


def an_outbox_consumer_that_forgets_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    consume = simulated_cell.consume_outbox

    def careless(batch: Any, **parameters: Any) -> dict[str, Any]:
        consume(batch, **parameters)
        return {"batchItemFailures": []}

    monkeypatch.setattr(simulated_cell, "consume_outbox", careless)


def a_queue_consumer_that_forgets_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing_failed(_identifiers: object) -> dict[str, Any]:
        return {"batchItemFailures": []}

    monkeypatch.setattr(batches, "partial_response", nothing_failed)


def deposits_under_new_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant that a retry of a deposit is another deposit."""
    count = iter(range(10**6))

    def another(_customer: str, _key: str) -> str:
        return f"d-{next(count)}"

    for module in ("application.deposit", "domain.wallet"):
        monkeypatch.setattr(f"workloads.checkout.{module}.deposit_id", another)


DEFECTS: dict[str, tuple[Plant, str]] = {
    "stock is taken without asking whether there is any": (without_conditions("ALLOTMENT#"), "all at once"),
    "a wallet is written over whatever it is now": (without_conditions("WALLET#"), "all at once"),
    "orders and reservations are written over others": (without_conditions("ORDER#", "RESERVATION#"), "outages"),
    "two Regions share one counter of stock": (one_allotment_for_all_regions, "calm"),
    "the same key in two Regions is two orders": (an_order_id_of_each_region, "all at once"),
    "the way back keeps the stock": (without_step(Step.RELEASE, Outcome.RELEASED), "calm"),
    "only refusals are compensated, exceptions are not": (compensation_only_on_refusals, "outages"),
    "the way back keeps the money": (without_step(Step.REFUND, Outcome.REFUNDED), "outages"),
    "the outbox's consumer forgets what failed": (an_outbox_consumer_that_forgets_what_failed, "all at once"),
    "a queue's consumer forgets what failed": (a_queue_consumer_that_forgets_what_failed, "outages"),
    "a retried deposit is another deposit": (deposits_under_new_keys, "all at once"),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_planted_defect_is_found(monkeypatch: pytest.MonkeyPatch, defect: str) -> None:
    plant, weather = DEFECTS[defect]
    plant(monkeypatch)
    monkeypatch.setattr(shoppers, "CUSTOMERS", 3)
    monkeypatch.setattr(shoppers, "SECONDS", (4.0,))

    def search() -> list[Figures]:
        return [simulate(seed, CHECKOUTS, KINDS[weather]) for seed in range(20)]

    with pytest.raises(FailedSeedError):
        search()
