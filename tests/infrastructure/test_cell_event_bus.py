"""The bus of a cell: what is routed where, and what happens to what can not be delivered."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from components.naming import Queue
from local.recording import Graph, RecordedResource
from tests.infrastructure.event_patterns import matches
from tests.infrastructure.inspection import as_list, statements

RULE = "aws:cloudwatch/eventRule:EventRule"
TARGET = "aws:cloudwatch/eventTarget:EventTarget"
HERE, THERE = "us-east-1", "eu-west-1"


@pytest.fixture(scope="module")
def cell(cell_graphs: Mapping[str, Graph]) -> Graph:
    return cell_graphs[HERE]


def event(kind: str, *, source: str = "meridian.checkout", origin: str, destination: str | None = None) -> Any:
    detail = {"type": kind, "originregion": origin}
    if destination is not None:
        detail["destinationregion"] = destination
    return {"source": source, "detail-type": kind, "detail": detail}


def targets_of(cell: Graph, occurred: Any) -> set[str]:
    rules = {rule.inputs["name"]: json.loads(rule.inputs["eventPattern"]) for rule in cell.of_type(RULE)}
    return {
        target.inputs["arn"].rpartition(":")[2]
        for target in cell.of_type(TARGET)
        if matches(rules[target.inputs["rule"]], occurred)
    }


@pytest.mark.parametrize(
    "command",
    [
        "PlaceOrder",
        "DepositToWallet",
        "SetPrice",
        "SetAllotment",
        "SetSellingMode",
        "TransferAllotment",
        "ReceiveTransfer",
        "StopSelling",
        "ResumeSelling",
    ],
)
def test_a_command_for_this_region_goes_to_checkout(cell: Graph, command: str) -> None:
    from_here = event(command, source="meridian.entry-api", origin=HERE, destination=HERE)
    from_there = event(command, origin=THERE, destination=HERE)

    assert targets_of(cell, from_here) == {"meridian-checkout-commands"}
    assert targets_of(cell, from_there) == {"meridian-checkout-commands"}


@pytest.mark.parametrize("level", ["SoldOut", "BackInStock", "StockRanLow", "StockRecovered"])
def test_a_level_of_this_regions_stock_goes_to_what_follows_it(cell: Graph, level: str) -> None:
    assert targets_of(cell, event(level, origin=HERE)) == {"meridian-checkout-availability"}
    assert targets_of(cell, event(level, origin=THERE)) == set()


def test_a_command_for_the_other_region_goes_onto_its_bus_and_nowhere_else(cell: Graph) -> None:
    (target,) = [t for t in cell.of_type(TARGET) if t.inputs["arn"].endswith("event-bus/meridian")]

    assert targets_of(cell, event("PlaceOrder", origin=HERE, destination=THERE)) == {"event-bus/meridian"}
    assert f":events:{THERE}:" in target.inputs["arn"]


def test_what_was_forwarded_here_is_not_forwarded_again(three_region_graphs: Mapping[str, Graph]) -> None:
    for region, graph in three_region_graphs.items():
        others = [other for other in three_region_graphs if other not in ("global", region)]
        if region == "global":
            continue
        for origin in others:
            for destination in others:
                assert targets_of(graph, event("PlaceOrder", origin=origin, destination=destination)) == set()


def test_completed_purchases_of_this_region_go_to_loyalty_and_the_single_view(cell: Graph) -> None:
    assert targets_of(cell, event("PurchaseCompleted", origin=HERE)) == {
        "meridian-loyalty-purchases",
        "meridian-single-view-updates",
    }


def test_nobody_but_checkout_can_say_that_a_purchase_earns_points(cell: Graph) -> None:
    told = event("PurchaseCompleted", source="meridian.entry-api", origin=HERE)

    assert "meridian-loyalty-purchases" not in targets_of(cell, told)


@pytest.mark.parametrize(
    "kind",
    ["OrderPlaced", "PurchaseRejected", "WalletCredited", "WalletDebited", "WalletRefunded", "BalanceChanged"],
)
def test_what_changes_a_customers_row_goes_to_the_single_view(cell: Graph, kind: str) -> None:
    assert targets_of(cell, event(kind, origin=HERE)) == {"meridian-single-view-updates"}


def test_events_of_the_other_region_reach_no_consumer_here(cell: Graph) -> None:
    for kind in ("PurchaseCompleted", "OrderPlaced", "WalletCredited", "BalanceChanged"):
        assert targets_of(cell, event(kind, origin=THERE)) == set()


def test_every_rule_has_one_target_that_retries_and_keeps_what_it_can_not_deliver(
    cell_graphs: Mapping[str, Graph],
) -> None:
    for region, graph in cell_graphs.items():
        targets = graph.of_type(TARGET)
        assert sorted(t.inputs["rule"] for t in targets) == sorted(r.inputs["name"] for r in graph.of_type(RULE))
        for target in targets:
            assert target.inputs["retryPolicy"] == {"maximumEventAgeInSeconds": 3600, "maximumRetryAttempts": 20}
            dead_letters = target.inputs["deadLetterConfig"]["arn"]
            assert dead_letters.endswith(f":{region}:123456789012:meridian-event-target-dead-letters")


def test_every_target_has_an_alarm(cell: Graph) -> None:
    watched = {
        query["metric"]["dimensions"]["RuleName"]
        for alarm in cell.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")
        for query in alarm.inputs.get("metricQueries", [])
        if "metric" in query and query["metric"]["namespace"] == "AWS/Events"
    }

    assert watched == {rule.inputs["name"] for rule in cell.of_type(RULE)}


def test_a_queue_takes_messages_of_its_own_rule_only(cell: Graph) -> None:
    rules = {rule.inputs["name"]: rule for rule in cell.of_type(RULE)}
    for target in cell.of_type(TARGET):
        if ":sqs:" not in target.inputs["arn"]:
            continue
        queue = queue_by_arn(cell, target.inputs["arn"])
        allowed = [s for s in statements(cell, "aws:sqs/queue:Queue") if s.resource == queue and s.allows]

        assert [s.principals("Service") for s in allowed] == [["events.amazonaws.com"]]
        senders = as_list(allowed[0].conditions["ArnLike"]["aws:SourceArn"])
        assert senders == [rules[target.inputs["rule"]].outputs["arn"]]


def test_the_forwarding_role_reaches_the_other_buses_only(three_region_graphs: Mapping[str, Graph]) -> None:
    for region in ("us-east-1", "eu-west-1", "ap-northeast-1"):
        graph = three_region_graphs[region]
        (forwarding,) = [s for s in statements(graph) if s.document.get("Sid") == "PutOntoTheOtherBuses"]

        others = {"us-east-1", "eu-west-1", "ap-northeast-1"} - {region}
        assert set(forwarding.resources) == {f"arn:aws:events:{r}:123456789012:event-bus/meridian" for r in others}
        (role,) = [r for r in graph.of_type("aws:iam/role:Role") if r.name == "meridian-bus-forwarding-role"]
        for target in graph.of_type(TARGET):
            crosses = target.inputs["arn"].endswith("event-bus/meridian")
            assert target.inputs.get("roleArn") == (role.outputs["arn"] if crosses else None)


def test_bus_and_archive_are_encrypted_and_the_archive_ends(cell: Graph) -> None:
    (bus,) = cell.of_type("aws:cloudwatch/eventBus:EventBus")
    (archive,) = cell.of_type("aws:cloudwatch/eventArchive:EventArchive")
    data_key = cell.named("aws:kms/key:Key", "meridian-keys-data").outputs["arn"]

    assert bus.inputs["kmsKeyIdentifier"] == data_key
    assert archive.inputs["kmsKeyIdentifier"] == data_key
    assert archive.inputs["eventSourceArn"] == bus.outputs["arn"]
    assert archive.inputs["retentionDays"] == 30


def test_queues_that_no_rule_feeds_are_fed_by_nobody_from_outside(cell: Graph) -> None:
    fed = {target.inputs["arn"] for target in cell.of_type(TARGET)}
    unfed = [q for q in work_queues(cell) if q.outputs["arn"] not in fed]

    assert len(unfed) == 3
    assert [s for s in statements(cell, "aws:sqs/queue:Queue") if s.resource in unfed and s.allows] == []


def work_queues(cell: Graph) -> Iterator[RecordedResource]:
    names = {f"meridian-{queue}" for queue in Queue}
    return (queue for queue in cell.of_type("aws:sqs/queue:Queue") if queue.inputs["name"] in names)


def queue_by_arn(cell: Graph, arn: str) -> RecordedResource:
    (queue,) = [queue for queue in cell.of_type("aws:sqs/queue:Queue") if queue.outputs["arn"] == arn]
    return queue
