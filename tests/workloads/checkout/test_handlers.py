"""The functions themselves, with the environment that their component gives them, on the embedded AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.workloads.checkout.builders import CD, CUSTOMER, allot, list_price, place
from tests.workloads.checkout.cell import Cells
from tests.workloads.conftest import HERE, REGIONS, THERE, Emulator
from tests.workloads.functions import failures, queue_batch, queue_record
from tests.workloads.proxy import OPERATOR, Answer, customer, proxy_event
from workloads.checkout.entrypoints import (
    api,
    availability,
    commands,
    hot_items,
    hot_items_clock,
    outbox,
    saga_starter,
    saga_steps,
)
from workloads.contracts.envelope import encode

BUS = "handlers"
UNPUBLISHED = "handlers-unpublished-events"
_PASS_STATE = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}


@pytest.fixture
def environment(
    emulator: Emulator, dynamodb_cells: Cells, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Mapping[str, str]]:
    queue = emulator.client("sqs").create_queue(QueueName="handlers-saga-start")["QueueUrl"]
    tokens = [emulator.client("sqs").create_queue(QueueName=f"handlers-tokens-{n}")["QueueUrl"] for n in range(2)]
    care = emulator.client("sqs").create_queue(QueueName="handlers-hot-items")["QueueUrl"]
    if BUS not in {bus["Name"] for bus in emulator.client("events").list_event_buses()["EventBuses"]}:
        emulator.client("events").create_event_bus(Name=BUS)
    emulator.client("s3").create_bucket(Bucket=UNPUBLISHED)
    saga = emulator.client("stepfunctions").create_state_machine(
        name="handlers-saga", definition=json.dumps(_PASS_STATE), roleArn="arn:aws:iam::000000000000:role/saga"
    )
    settings = {
        "AWS_ENDPOINT_URL": emulator.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": HERE,
        "CHECKOUT_TABLE": dynamodb_cells.table,
        "CHECKOUT_OUTBOX_TABLE": dynamodb_cells.outbox,
        "EVENT_BUS": BUS,
        "MERIDIAN_REGIONS": ",".join(REGIONS),
        "PROBLEM_BASE": "https://shop.example/problems",
        "SAGA_START_QUEUE_URL": queue,
        "HOT_ITEM_QUEUE_URLS": ",".join(tokens),
        "HOT_ITEM_CARE_QUEUE_URL": care,
        "ORDER_BURST": "50",
        "RESERVATION_MINUTES": "15",
        "ORDERS_PER_MINUTE": "300",
        "SAGA_STARTS_PER_SECOND": "300",
        "LONGEST_SAGA_WAIT": "60",
        "COMMANDS_MAXIMUM_RECEIVES": "5",
        "SAGA_STATE_MACHINE_ARN": saga["stateMachineArn"],
        "UNPUBLISHED_EVENTS_BUCKET": UNPUBLISHED,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    yield settings
    for module in (api, availability, commands, hot_items, hot_items_clock, outbox, saga_starter, saga_steps):
        for cached in vars(module).values():
            if hasattr(cached, "cache_clear"):
                cached.cache_clear()


def command_message(kind: str, data: object) -> dict[str, Any]:
    detail = {
        "id": f"c-{kind}",
        "source": "meridian.entry-api",
        "type": kind,
        "dataschema": f"urn:meridian:schema:{kind}:1",
        "subject": "s",
        "originregion": HERE,
        "destinationregion": HERE,
        "correlationid": "c",
        "causationid": "c",
        "data": data,
    }
    return queue_record(kind, json.dumps({"time": "2026-03-01T12:00:00Z", "detail": detail}))


def stream_record(item: Mapping[str, Any], position: int) -> dict[str, Any]:
    image = {"event": {"S": item["event"]}, "originregion": {"S": item["originregion"]}}
    stream = {"SequenceNumber": str(position), "NewImage": image}
    return {"eventID": f"r-{position}", "eventName": "INSERT", "dynamodb": stream}


def test_an_order_goes_all_the_way_through_the_functions(
    emulator: Emulator, dynamodb_cells: Cells, environment: Mapping[str, str]
) -> None:
    price = {"sku": CD, "price": {"minorUnits": 0, "currency": "USD"}, "version": 1}
    allotment = {"sku": CD, "units": 1, "version": 1}
    good = [command_message("SetPrice", price), command_message("SetAllotment", allotment)]
    batch = [*good, queue_record("3", "")]
    assert commands.handler({"Records": batch}, None) == {"batchItemFailures": [{"itemIdentifier": "3"}]}

    placed = Answer(
        api.handler(
            proxy_event(
                "POST /v1/orders",
                principal=customer(CUSTOMER),
                body={"lines": [{"sku": CD, "quantity": 1}]},
                headers={"Idempotency-Key": "key-1"},
            ),
            None,
        )
    )
    assert placed.status == 201
    order_id = placed.body["orderId"]

    [entry] = dynamodb_cells.items(dynamodb_cells.outbox)
    records = [stream_record(entry, 1), stream_record({**entry, "event": "{"}, 2)]
    assert outbox.handler({"Records": records}, None) == {"batchItemFailures": []}
    kept = emulator.client("s3").get_object(Bucket=UNPUBLISHED, Key="checkout/r-2.json")["Body"].read()
    assert "malformed" in json.loads(kept)["reason"]
    sqs = emulator.client("sqs")
    [message] = sqs.receive_message(QueueUrl=environment["SAGA_START_QUEUE_URL"])["Messages"]
    assert json.loads(message["Body"]) == {"orderId": order_id, "customerId": CUSTOMER}

    start = queue_batch(message["Body"], message["Body"])
    assert saga_starter.handler(start, None) == {"batchItemFailures": []}
    executions = emulator.client("stepfunctions").list_executions(stateMachineArn=environment["SAGA_STATE_MACHINE_ARN"])
    assert [execution["name"] for execution in executions["executions"]] == [order_id]

    assert dynamodb_cells.state().reservations[order_id].units == {CD: 1}

    for step, outcome in (("debit", "Debited"), ("complete", "Completed")):
        request = {"step": step, "orderId": order_id, "customerId": CUSTOMER}
        assert saga_steps.handler(request, None) == {"outcome": outcome}
    shown = Answer(api.handler(proxy_event("GET /v1/orders/{orderId}", principal=OPERATOR, orderId=order_id), None))
    assert shown.body["state"] == "Completed"


@pytest.mark.usefixtures("environment")
def test_a_rejection_takes_its_reason_from_what_refused_the_order(dynamodb_cells: Cells) -> None:
    here = dynamodb_cells.ports()
    list_price(here)
    order_id = place(here)
    request = {"orderId": order_id, "customerId": CUSTOMER}
    assert saga_steps.handler({**request, "step": "reserve"}, None) == {"outcome": "SoldOut"}

    assert saga_steps.handler({**request, "step": "reject"}, None) == {"outcome": "Rejected"}

    order = here.store.order(order_id).order
    assert order is not None
    assert order.reason == "SoldOut"


@pytest.mark.usefixtures("environment")
def test_a_sold_out_event_from_the_bus_is_flagged_and_idle_stock_is_counted(
    emulator: Emulator, dynamodb_cells: Cells
) -> None:
    here, there = dynamodb_cells.ports(), dynamodb_cells.ports(THERE)
    allot(here, units=0)
    allot(there, units=4)
    [sold_out] = [event for event in dynamodb_cells.events() if event.type == "SoldOut"]
    message = json.dumps({"time": sold_out.time, "detail": json.loads(encode(sold_out))})

    assert failures(availability.handler(queue_batch(message, message), None)) == []

    [listing] = here.store.listings(CD)
    assert (listing.region, listing.sold_out) == (HERE, True)
    metrics = emulator.client("cloudwatch").list_metrics(Namespace="Meridian/Checkout")["Metrics"]
    assert "IdleStockElsewhere" in {metric["MetricName"] for metric in metrics}


@pytest.mark.usefixtures("environment")
def test_what_tells_no_level_of_stock_ends_as_a_dead_letter(dynamodb_cells: Cells) -> None:
    here = dynamodb_cells.ports()
    list_price(here)
    place(here)
    [placed] = dynamodb_cells.events()
    message = json.dumps({"time": placed.time, "detail": json.loads(encode(placed))})

    assert failures(availability.handler(queue_batch(message, "no event"), None)) == ["m-0", "m-1"]


def test_health_asks_the_table_and_the_bus(environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    healthy = Answer(api.handler(proxy_event("GET /v1/health", principal=None), None))
    assert (healthy.status, healthy.body["checks"]) == (200, {"table": "ok", "bus": "ok"})

    monkeypatch.setenv("CHECKOUT_TABLE", environment["CHECKOUT_TABLE"] + "-gone")
    api._routes.cache_clear()  # pyright: ignore[reportPrivateUsage]
    failing = Answer(api.handler(proxy_event("GET /v1/health", principal=None), None))
    assert (failing.status, failing.problem) == (503, "unhealthy")
    assert "table" in failing.body["detail"]


def test_a_sku_becomes_hot_by_command_is_filled_when_asked_for_and_looked_after_by_the_clock(
    environment: Mapping[str, str], emulator: Emulator, dynamodb_cells: Cells
) -> None:
    here = dynamodb_cells.ports()
    list_price(here)
    wanted = [
        command_message("SetAllotment", {"sku": CD, "units": 2, "version": 1}),
        command_message("SetSellingMode", {"sku": CD, "mode": "Hot", "version": 1}),
    ]
    assert commands.handler({"Records": wanted}, None) == {"batchItemFailures": []}

    def care() -> dict[str, Any]:
        found = emulator.client("sqs").receive_message(QueueUrl=environment["HOT_ITEM_CARE_QUEUE_URL"])
        return queue_batch(*(message["Body"] for message in found["Messages"]))

    assert hot_items.handler(care(), None) == {"batchItemFailures": []}
    order_id = place(here)
    request = {"step": "reserve", "orderId": order_id, "customerId": CUSTOMER}
    assert saga_steps.handler(request, None) == {"outcome": "Reserved"}
    assert list(dynamodb_cells.state().reservations[order_id].tokens) == [CD]

    hot_items_clock.handler({}, None)
    asked = care()
    assert [json.loads(record["body"]) for record in asked["Records"]] == [{"sku": CD, "refill": True}]
    assert hot_items.handler(asked, None) == {"batchItemFailures": []}
