"""What the entry API answers for checkout: who may do what, what is refused before anything is done, and how."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.builders import (
    BOOK,
    CD,
    CUSTOMER,
    FOREIGNER,
    allot,
    command,
    list_price,
    order_of,
    replaced,
    usd,
)
from tests.workloads.checkout.cell import MemoryCells
from tests.workloads.conftest import HERE, THERE
from tests.workloads.proxy import CATALOGUE, DEPOSITOR, OPERATOR, Answer, customer, proxy_event
from workloads.checkout.adapters.health import HealthReport
from workloads.checkout.application.carry_out import carry_out
from workloads.checkout.application.ports import ConcurrentWriteError
from workloads.checkout.domain.admission import Admission, OrderRate, SagaCapacity
from workloads.checkout.entrypoints.api import Api
from workloads.contracts.commands import DepositToWallet, PlaceOrder, SetPrice
from workloads.contracts.envelope import open_as
from workloads.runtime.http import serve
from workloads.runtime.principal import Principal

PLACE = "POST /v1/orders"
DEPOSIT = "POST /v1/wallets/{customerId}/deposits"
GET_ORDER = "GET /v1/orders/{orderId}"
GET_DEPOSIT = "GET /v1/wallets/{customerId}/deposits/{depositId}"
GET_COMMAND = "GET /v1/commands/{commandId}"
ONE_CD = {"lines": [{"sku": CD, "quantity": 1}]}


class Healthy:
    """A cell whose checks say what the test wants."""

    def __init__(self) -> None:
        self.checks = {"table": "ok", "bus": "ok"}

    def check(self) -> HealthReport:
        return HealthReport(region=HERE, status="ok", checks=self.checks)


class Waiting:
    """A queue of saga starts of a certain length."""

    def __init__(self, length: int) -> None:
        self.length = length

    def waiting(self) -> int:
        return self.length


class Gateway:
    """Calls the API of a Region, as API Gateway does."""

    def __init__(self, cells: MemoryCells, region: str) -> None:
        self.state = cells.state
        self.ports = cells.ports(region)
        self.health = Healthy()

    def call(self, operation: str, principal: Principal | None = None, **event: Any) -> Answer:
        routes = Api(self.ports, self.health, "https://shop.example/problems").routes
        return Answer(
            serve(
                routes,
                proxy_event(operation, principal=principal, **event),
                problem_base="https://shop.example/problems",
                service="checkout",
            )
        )

    def place(self, body: object = ONE_CD, *, by: str = CUSTOMER, key: str = "key-1", **headers: str) -> Answer:
        return self.call(PLACE, customer(by), body=body, headers={"Idempotency-Key": key, **headers})

    def deposit(self, minor_units: int = 1500, *, to: str = CUSTOMER, key: str = "key-1") -> Answer:
        body = {"amount": {"minorUnits": minor_units, "currency": "USD"}}
        return self.call(DEPOSIT, DEPOSITOR, body=body, headers={"Idempotency-Key": key}, customerId=to)


@pytest.fixture
def cells() -> MemoryCells:
    cells = MemoryCells()
    list_price(cells.ports(), CD, usd(1099))
    allot(cells.ports())
    return cells


@pytest.fixture
def here(cells: MemoryCells) -> Gateway:
    return Gateway(cells, HERE)


@pytest.fixture
def there(cells: MemoryCells) -> Gateway:
    return Gateway(cells, THERE)


def test_an_order_is_created_and_found(here: Gateway) -> None:
    answer = here.place()

    assert answer.status == 201
    assert answer.headers["Location"] == f"/v1/orders/{answer.body['orderId']}"
    assert answer.body == {
        "orderId": answer.body["orderId"],
        "customerId": CUSTOMER,
        "state": "Pending",
        "total": {"minorUnits": 1099, "currency": "USD"},
        "lines": [{"sku": CD, "quantity": 1, "unitPrice": {"minorUnits": 1099, "currency": "USD"}}],
        "placedAt": answer.body["placedAt"],
    }
    found = here.call(GET_ORDER, customer(CUSTOMER), orderId=answer.body["orderId"])
    assert (found.status, found.body) == (200, answer.body)


def test_a_customer_who_floods_is_told_when_to_come_again(here: Gateway) -> None:
    here.ports = replaced(here.ports, admission=Admission(rate=OrderRate(burst=2, per_minute=20)))
    assert [here.place(key=f"key-{number}").status for number in range(2)] == [201, 201]

    answer = here.place(key="key-3")

    assert (answer.status, answer.problem) == (429, "too-many-orders")
    assert answer.headers["Retry-After"] == "3"
    assert here.place(key="key-1").status == 201


def test_while_too_many_orders_wait_everybody_is_told_for_how_long(here: Gateway) -> None:
    here.ports = replaced(here.ports, admission=Admission(capacity=SagaCapacity(starts_per_second=1, longest_wait=1)))
    here.ports = replaced(here.ports, saga_queue=Waiting(8))

    answer = here.place()

    assert (answer.status, answer.problem) == (503, "overloaded")
    assert answer.headers["Retry-After"] == "8"


def test_a_repeat_answers_the_first_status_with_the_present_state(here: Gateway) -> None:
    first = here.place()
    here.deposit(5000)
    steps.reserve(here.ports, first.body["orderId"])
    steps.debit(here.ports, first.body["orderId"])
    steps.complete(here.ports, first.body["orderId"])

    again = here.place()

    assert (again.status, again.headers["Location"]) == (201, first.headers["Location"])
    assert again.body["state"] == "Completed"


def test_a_client_may_wait_for_the_end_of_its_order(here: Gateway) -> None:
    answered: list[str] = []

    def work(_seconds: float) -> None:
        for order_id in here.state().orders if not answered else []:
            answered.append(order_id)
            steps.reserve(here.ports, order_id)
            steps.debit(here.ports, order_id)
            steps.complete(here.ports, order_id)

    here.deposit(5000)
    here.ports = replaced(here.ports, sleep=work)

    answer = here.place(Prefer="respond-async, wait=5")

    assert (answer.status, answer.body["state"]) == (201, "Completed")
    assert answer.headers["Preference-Applied"] == "wait=5"


@pytest.mark.parametrize(("preferred", "applied"), [("wait=0", "wait=0"), ("wait=9999", "wait=10"), ("fast", None)])
def test_a_preference_is_bounded_or_passed_over(here: Gateway, preferred: str, applied: str | None) -> None:
    here.place()
    here.deposit(5000)
    [order_id] = here.state().orders
    steps.reserve(here.ports, order_id)
    steps.debit(here.ports, order_id)
    steps.complete(here.ports, order_id)

    assert here.place(Prefer=preferred).headers.get("Preference-Applied") == applied


def test_an_order_away_from_home_is_accepted_and_shows_as_handed_over(here: Gateway) -> None:
    answer = here.place(by=FOREIGNER)

    assert answer.status == 202
    assert answer.body == {
        "orderId": answer.body["orderId"],
        "customerId": FOREIGNER,
        "state": "HandedOver",
        "commandId": answer.body["commandId"],
        "homeRegion": THERE,
    }
    found = here.call(GET_ORDER, customer(FOREIGNER), orderId=answer.body["orderId"])
    assert (found.status, found.body) == (200, answer.body)
    assert here.place(by=FOREIGNER).status == 202


def test_a_mismatch_found_by_the_home_appears_as_a_rejection(here: Gateway, there: Gateway, cells: MemoryCells) -> None:
    handed_over = here.place({"lines": [{"sku": CD, "quantity": 2}]}, by=FOREIGNER)
    there.place(ONE_CD, by=FOREIGNER)
    [event] = [event for event in cells.events() if event.destinationregion == THERE]

    carry_out(there.ports, open_as(event, PlaceOrder), command(event.id, FOREIGNER))

    again = here.place({"lines": [{"sku": CD, "quantity": 2}]}, by=FOREIGNER)
    assert (again.status, again.body["state"], again.body["reason"]) == (202, "Rejected", "IdempotencyKeyReused")
    told = here.call(GET_COMMAND, customer(FOREIGNER), commandId=handed_over.body["commandId"])
    assert (told.status, told.body["outcome"]) == (200, "Refused")
    assert told.body["problem"]["type"] == "https://shop.example/problems/idempotency-key-reused"


def test_a_deposit_is_created_and_found(here: Gateway) -> None:
    answer = here.deposit(1500)

    assert answer.status == 201
    deposit_id = answer.body["depositId"]
    assert answer.headers["Location"] == f"/v1/wallets/{CUSTOMER}/deposits/{deposit_id}"
    assert answer.body == {
        "depositId": deposit_id,
        "customerId": CUSTOMER,
        "state": "Accepted",
        "amount": {"minorUnits": 1500, "currency": "USD"},
        "balance": {"minorUnits": 1500, "currency": "USD"},
    }
    for principal in (DEPOSITOR, OPERATOR, customer(CUSTOMER)):
        found = here.call(GET_DEPOSIT, principal, customerId=CUSTOMER, depositId=deposit_id)
        assert (found.status, found.body) == (200, answer.body)
    for principal in (customer("us-east-1.c-2"), CATALOGUE):
        assert here.call(GET_DEPOSIT, principal, customerId=CUSTOMER, depositId=deposit_id).problem == "not-found"


def test_a_deposit_away_from_home_is_handed_over(here: Gateway, there: Gateway, cells: MemoryCells) -> None:
    answer = here.deposit(1500, to=FOREIGNER)
    assert (answer.status, answer.body["state"]) == (202, "HandedOver")
    [event] = [event for event in cells.events() if event.destinationregion == THERE]

    carry_out(there.ports, open_as(event, DepositToWallet), command(event.id, "wallets.deposit"))

    again = here.deposit(1500, to=FOREIGNER)
    assert (again.status, again.body["state"], again.body["balance"]["minorUnits"]) == (202, "Accepted", 1500)


def test_only_the_customer_and_operators_see_an_order(here: Gateway) -> None:
    order_id = here.place().body["orderId"]

    assert here.call(GET_ORDER, OPERATOR, orderId=order_id).status == 200
    for principal in (customer("us-east-1.c-2"), DEPOSITOR):
        assert here.call(GET_ORDER, principal, orderId=order_id).problem == "not-found"


@pytest.mark.parametrize("order_id", ["o-1", "o-" + "0" * 40, "x" * 3000, "../orders"])
def test_an_order_that_is_none_is_not_found(here: Gateway, order_id: str) -> None:
    answer = here.call(GET_ORDER, customer(CUSTOMER), orderId=order_id)

    assert (answer.status, answer.problem) == (404, "not-found")


def test_a_command_is_seen_by_its_owner_and_operators(here: Gateway) -> None:
    list_price(here.ports, BOOK)
    carry_out(here.ports, order_of(), command("c-1"))
    carry_out(here.ports, SetPrice(sku=CD, price=usd(1), version=1), command("c-2", "catalogue.write"))

    for principal in (customer(CUSTOMER), OPERATOR):
        told = here.call(GET_COMMAND, principal, commandId="c-1")
        assert (told.status, told.body["outcome"]) == (200, "Accepted")
        assert told.body["location"] == f"/v1/orders/{told.body['orderId']}"
    refused = here.call(GET_COMMAND, CATALOGUE, commandId="c-2")
    assert (refused.body["outcome"], refused.body["problem"]["title"]) == ("Refused", "Superseded")
    for principal, command_id in ((customer(FOREIGNER), "c-1"), (DEPOSITOR, "c-2"), (OPERATOR, "c-3")):
        assert here.call(GET_COMMAND, principal, commandId=command_id).problem == "not-found"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("", "invalid-body"),
        ("{", "invalid-body"),
        ("[]", "invalid-body"),
        ('{"lines": [{"sku": "\ud800", "quantity": 1}]}', "invalid-body"),
        ('{"lines": [{"sku": "\\ud800", "quantity": 1}]}', "invalid-body"),
        ({}, "invalid-body"),
        ({"lines": []}, "invalid-body"),
        ({"lines": [{"sku": CD}]}, "invalid-body"),
        ({"lines": [{"sku": CD, "quantity": "1"}]}, "invalid-body"),
        ({"lines": [{"sku": CD, "quantity": 0}]}, "invalid-body"),
        ({"lines": [{"sku": CD, "quantity": -1}]}, "invalid-body"),
        ({"lines": [{"sku": CD, "quantity": 101}]}, "invalid-body"),
        ({"lines": [{"sku": CD, "quantity": 1.5}]}, "invalid-body"),
        ({"lines": [{"sku": CD, "quantity": True}]}, "invalid-body"),
        ({"lines": [{"sku": "no spaces", "quantity": 1}]}, "invalid-body"),
        ({"lines": [{"sku": CD, "quantity": 1, "unitPrice": 1}]}, "invalid-body"),
        ({"lines": [{"sku": CD, "quantity": 1}], "customerId": FOREIGNER}, "invalid-body"),
        ({"lines": [{"sku": CD, "quantity": 1}] * 21}, "invalid-body"),
    ],
)
def test_a_body_that_does_not_fit_is_refused_and_nothing_is_written(
    here: Gateway, cells: MemoryCells, body: object, problem: str
) -> None:
    answer = here.place(body)

    assert (answer.status, answer.problem) == (400, problem)
    assert cells.events() == []


@pytest.mark.parametrize(
    "amount",
    [
        {"minorUnits": 0, "currency": "USD"},
        {"minorUnits": -5, "currency": "USD"},
        {"minorUnits": 10**15 + 1, "currency": "USD"},
        {"minorUnits": 5.5, "currency": "USD"},
        {"minorUnits": 5, "currency": "usd"},
        {"minorUnits": 5},
        {"minorUnits": 5, "currency": "USD", "scale": 2},
        5,
    ],
)
def test_an_amount_that_is_none_is_refused(here: Gateway, cells: MemoryCells, amount: object) -> None:
    answer = here.call(
        DEPOSIT, DEPOSITOR, body={"amount": amount}, headers={"Idempotency-Key": "k"}, customerId=CUSTOMER
    )

    assert (answer.status, answer.problem) == (400, "invalid-body")
    assert cells.events() == []


def test_a_body_over_the_bound_is_refused_before_it_is_read(here: Gateway) -> None:
    answer = here.place(" " * (16 * 1024 + 1))

    assert (answer.status, answer.problem) == (413, "body-too-large")


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (None, "idempotency-key-missing"),
        ("", "idempotency-key-missing"),
        ("a b", "idempotency-key-malformed"),
        ("x" * 129, "idempotency-key-malformed"),
        ("k\n", "idempotency-key-malformed"),
    ],
)
def test_a_write_needs_an_idempotency_key(here: Gateway, key: str | None, problem: str) -> None:
    headers = {} if key is None else {"Idempotency-Key": key}

    assert here.call(PLACE, customer(CUSTOMER), body=ONE_CD, headers=headers).problem == problem
    answer = here.call(DEPOSIT, DEPOSITOR, body={}, headers=headers, customerId=CUSTOMER)
    assert (answer.status, answer.problem) == (400, problem)


def test_the_same_key_with_another_body_is_unprocessable(here: Gateway) -> None:
    here.place()

    answer = here.place({"lines": [{"sku": CD, "quantity": 2}]})

    assert (answer.status, answer.problem) == (422, "idempotency-key-reused")


def test_an_unknown_sku_is_unprocessable(here: Gateway, cells: MemoryCells) -> None:
    answer = here.place({"lines": [{"sku": "no-such", "quantity": 1}]})

    assert (answer.status, answer.problem, answer.body["title"]) == (422, "unknown-sku", "Unknown SKU")
    assert "no-such" in answer.body["detail"]
    assert cells.events() == []


def test_only_customers_order_and_only_depositors_deposit(here: Gateway) -> None:
    headers = {"Idempotency-Key": "k"}
    body = {"amount": {"minorUnits": 1, "currency": "USD"}}

    for principal in (OPERATOR, DEPOSITOR):
        assert here.call(PLACE, principal, body=ONE_CD, headers=headers).problem == "forbidden"
    for principal in (OPERATOR, CATALOGUE, customer(CUSTOMER)):
        answer = here.call(DEPOSIT, principal, body=body, headers=headers, customerId=CUSTOMER)
        assert (answer.status, answer.problem) == (403, "forbidden")


@pytest.mark.parametrize("customer_id", ["c-1", "US-EAST-1.c-1", "us-east-1.", "ap-south-1.c-1"])
def test_a_deposit_for_nobody_is_not_found(here: Gateway, customer_id: str) -> None:
    answer = here.deposit(to=customer_id)

    assert answer.status == 404
    assert answer.problem in {"not-found", "unknown-customer"}


def test_a_request_that_other_writes_keep_from_being_decided_is_a_conflict_for_now(
    here: Gateway, cells: MemoryCells
) -> None:
    def another_first() -> None:
        message = "TransactionConflict"
        raise ConcurrentWriteError(message)

    cells.before_commit = another_first

    answer = here.place()

    assert (answer.status, answer.problem, answer.headers["Retry-After"]) == (409, "undecided", "1")


def test_a_failure_of_our_own_is_a_problem_that_tells_nothing_of_it(here: Gateway, cells: MemoryCells) -> None:
    def fail() -> None:
        message = "secret detail"
        raise RuntimeError(message)

    cells.before_commit = fail

    answer = here.place()

    assert (answer.status, answer.problem) == (500, "internal")
    assert "secret" not in str(answer.body)


def test_the_health_of_a_cell_is_that_of_its_own_dependencies(here: Gateway) -> None:
    healthy = here.call("GET /v1/health")
    assert (healthy.status, healthy.body["status"], healthy.body["region"]) == (200, "ok", HERE)

    here.health.checks["bus"] = "failing"
    answer = here.call("GET /v1/health")
    assert (answer.status, answer.problem) == (503, "unhealthy")
    assert "bus" in answer.body["detail"]
