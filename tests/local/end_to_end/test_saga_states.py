"""Each state of the saga fails, before it does anything or with its answer lost, once and twice and for good.

Every order ends in one honest state all the same, and neither a cent nor a unit is lost or made.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from tests.local.end_to_end.faults import FOR_GOOD, PRICE, Case, Saboteur, cases, sample, starters_cases
from tests.local.end_to_end.shop import Customer, Shop, eventually
from workloads.contracts.identifiers import order_id

SPARE = 3
"""Units for which there is no order."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A case, and the order in which it happens."""

    case: Case
    customer: Customer
    key: str

    @property
    def order_id(self) -> str:
        """Return the id that the order will have."""
        return order_id(self.customer.id, self.key)

    @property
    def location(self) -> str:
        """Return where the order will be."""
        return f"/v1/orders/{self.order_id}"


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize(
    "chosen",
    [pytest.param(tuple(sample()), id="sample"), pytest.param(tuple(cases()), id="all", marks=pytest.mark.soak)],
)
def test_whatever_state_fails_the_order_ends_honestly_and_all_is_conserved(
    shop: Shop, operators: Mapping[str, str], saboteur: Saboteur, chosen: Sequence[Case]
) -> None:
    prove(shop, operators, saboteur, chosen)


@pytest.mark.soak
@pytest.mark.usefixtures("impatient_queues")
def test_the_sagas_starter_fails_and_the_order_ends_as_if_it_had_not(
    shop: Shop, operators: Mapping[str, str], saboteur: Saboteur
) -> None:
    prove(shop, operators, saboteur, tuple(starters_cases()))


def prove(shop: Shop, operators: Mapping[str, str], saboteur: Saboteur, chosen: Sequence[Case]) -> None:
    """Let each case happen to an order of its own, all at a time, and look at all that may be wrong afterwards."""
    trials = prepare(shop, chosen)
    sku = shop.title(cents=PRICE, units=len(trials) + SPARE)
    saboteur.plan({trial.order_id: trial.case.failures for trial in trials})

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(shop.order, trial.customer, sku, key=trial.key) for trial in trials]
    assert {answer.result().status_code for answer in answers} == {201}
    redrive_what_is_parked(shop, operators, saboteur, trials)

    ends = {trial: shop.ended(trial.customer, trial.location) for trial in trials}
    for trial, end in ends.items():
        assert (end["state"], end.get("reason")) == (trial.case.state, trial.case.reason), trial
    struck = saboteur.struck()
    for trial in trials:
        for failure in trial.case.failures:
            times = struck[failure.fault_of(trial.order_id).name]
            assert times == failure.times or (failure.times == FOR_GOOD and times > 1), (trial.case, failure)
    money_is_conserved(shop, trials)
    events_tell_each_thing_once(shop, trials)
    units_are_conserved(shop, sku, trials)


def prepare(shop: Shop, chosen: Sequence[Case]) -> list[Trial]:
    """Open an account for each case, in the one Region or the other."""

    def prepared(numbered: tuple[int, Case]) -> Trial:
        number, case = numbered
        customer = shop.customer(shop.regions[number % 2], cents=case.cents)
        return Trial(case=case, customer=customer, key=shop.unique("trial"))

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(prepared, enumerate(chosen)))


def redrive_what_is_parked(
    shop: Shop, operators: Mapping[str, str], saboteur: Saboteur, trials: Sequence[Trial]
) -> None:
    """Do as the runbook says: when what parks is parked, mend the cause, and redrive each message under its id."""
    parking = [trial for trial in trials if trial.case.parks]
    messages = {
        region: parked(shop, region, {t.order_id: t.case.parks for t in parking if t.customer.home == region})
        for region in shop.regions
    }
    found = Counter(json.loads(message["Body"])["orderId"] for taken in messages.values() for message in taken)
    assert found == {trial.order_id: trial.case.parks for trial in parking}
    for trial in parking:
        assert shop.get(trial.customer.home, trial.location, trial.customer.token).json()["state"] == "Pending"
    saboteur.plan(
        {t.order_id: [f.mended() for f in t.case.failures] if t in parking else t.case.failures for t in trials}
    )
    for region, taken in messages.items():
        for message in taken:
            body = {"orderId": json.loads(message["Body"])["orderId"], "reason": "parked"}
            answer = shop.post(region, "/v1/operations/redrive", operators[region], body, key=message["MessageId"])
            # Refused where the order was parked twice, and the first redrive has ended it.
            assert answer.status_code in {201, 409}, answer.text


def parked(shop: Shop, region: str, expected: Mapping[str, int]) -> list[Mapping[str, Any]]:
    """Take so many messages about each order out of the repair queue, and leave those about others there."""
    sqs = shop.sqs(region)
    url = sqs.get_queue_url(QueueName="meridian-checkout-repair")["QueueUrl"]
    taken: list[Mapping[str, Any]] = []

    def take() -> int:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            if json.loads(message.get("Body", ""))["orderId"] in expected:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message.get("ReceiptHandle", ""))
                taken.append(message)
        return len(taken)

    eventually(take, lambda number: number >= sum(expected.values()), seconds=60)
    return taken


def money_is_conserved(shop: Shop, trials: Sequence[Trial]) -> None:
    """What a wallet holds is what was paid in less what was bought, by the view and by the ledger."""
    for trial in trials:
        customer, left = trial.customer, trial.case.cents - PRICE * trial.case.completed
        path = f"/v1/wallets/{customer.id}/ledger?limit=100"
        entries = shop.get(customer.home, path, customer.token).json()["entries"]
        moved = [entry["amount"]["minorUnits"] * (-1 if entry["kind"] == "Debit" else 1) for entry in entries]
        assert sum(moved) == left, (trial, entries)
        for region in shop.regions:
            view = shop.view(
                customer,
                region,
                lambda view, trial=trial, left=left: (
                    view["wallet"]["balance"]["minorUnits"] == left
                    and [order["state"] for order in view.get("orders", ())] == [trial.case.state]
                ),
            )
            assert [order["orderId"] for order in view["orders"]] == [trial.order_id]


def events_tell_each_thing_once(shop: Shop, trials: Sequence[Trial]) -> None:
    """Compare the outbox of each order with what its case says."""
    told: dict[str, Counter[str]] = {trial.order_id: Counter() for trial in trials}
    for (region, table, _, _), item in shop.items().items():
        # The outbox of both Regions is in each of them.
        if (region, table) != (shop.regions[0], "checkout-outbox"):
            continue
        event = json.loads(item["event"]["S"])
        if (known := told.get(event["data"].get("orderId", ""))) is not None:
            known[event["type"]] += 1
    for trial in trials:
        seen, expected = told[trial.order_id], Counter(trial.case.events)
        # A second redrive is refused where the first one has ended the order.
        assert min(seen.pop("CheckoutRedriven", 0), 1) == min(expected.pop("CheckoutRedriven", 0), 1)
        assert seen == expected, trial


def units_are_conserved(shop: Shop, sku: str, trials: Sequence[Trial]) -> None:
    """Take stock as a customer: buy, in each Region, exactly what must be left, and then not one more."""
    for region in shop.regions:
        left = len(trials) + SPARE - sum(t.case.completed for t in trials if t.customer.home == region)
        taker = shop.customer(region, cents=PRICE * (left + 1))
        taken = shop.order(taker, sku, quantity=left)
        assert shop.ended(taker, taken.headers["Location"])["state"] == "Completed"
        more = shop.order(taker, sku)
        if more.status_code == 201:
            assert shop.ended(taker, more.headers["Location"]).get("reason") == "SoldOut"
        else:
            assert more.json()["type"].endswith("/sold-out")
