"""What operators do: authorised, once for its key, in the trail with its effect or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import msgspec
import pytest

from tests.workloads.checkout import sagas
from tests.workloads.checkout.auditing import audited, book_keeping, kinds, remove, write
from tests.workloads.checkout.builders import CD, CUSTOMER, FOREIGNER, allot, command, deposit, place, shop
from tests.workloads.checkout.cell import MemoryCells, events_of
from tests.workloads.conftest import HERE, THERE
from tests.workloads.proxy import CATALOGUE, NEVER, OPERATOR, Answer, customer, proxy_event
from workloads.checkout.application.audit import audit
from workloads.checkout.application.carry_out import carry_out
from workloads.checkout.application.operations.act import UntracedOperationError
from workloads.checkout.application.outbox_entries import Cause
from workloads.checkout.application.refund import refund_order
from workloads.checkout.application.results import Settled
from workloads.checkout.domain.operation import OPERATORS, Operation, Refund
from workloads.checkout.domain.order import Acceptance
from workloads.checkout.entrypoints.operations import OperationsApi
from workloads.checkout.entrypoints.outbox import saga_start
from workloads.checkout.entrypoints.saga_messages import SagaStart
from workloads.contracts.commands import RefundPurchase, StopSelling
from workloads.contracts.envelope import CloudEvent, encode, open_as, open_message
from workloads.contracts.events import OperatorActed
from workloads.runtime.http import serve
from workloads.runtime.principal import Principal, PrincipalType, from_context, to_context

BASE = "https://shop.example/problems"
NAMELESS = Principal(type=PrincipalType.OPERATOR, client_id="shop")
OTHER_OPERATOR = Principal(type=PrincipalType.OPERATOR, client_id="shop", operator="bert")


@pytest.fixture
def cells() -> Iterator[MemoryCells]:
    """Return two Regions; whatever a test has done, each entry of the trail has been told, once."""
    cells = MemoryCells()
    shop(cells.ports())
    allot(cells.ports(THERE))
    yield cells
    told = [(act["action"], act["subject"], act["outcome"]) for act in events_of(cells, "OperatorActed")]
    assert Counter(told) == Counter(entry[1:] for entry in trail(cells))


def call(
    cells: MemoryCells,
    operation: str,
    body: object = None,
    *,
    by: Principal = OPERATOR,
    key: str = "key-1",
    region: str = HERE,
    **path: str,
) -> Answer:
    method = "GET" if path else "POST"
    event = proxy_event(
        f"{method} /v1/operations/{operation}",
        principal=by,
        body=body,
        headers={"Idempotency-Key": key},
        query=None,
        **path,
    )
    routes = OperationsApi(cells.ports(region)).routes
    return Answer(serve(routes, event, problem_base=BASE, service="checkout"))


def about(order_id: str, reason: str = "incident 42") -> dict[str, str]:
    return {"orderId": order_id, "reason": reason}


def trail(cells: MemoryCells) -> list[tuple[str, str, str, str]]:
    """Return who did what to what, and what became of it, in the order of the trail."""
    entries = sorted((item for item in cells.items() if item["pk"].startswith("OPERATIONS#")), key=lambda i: i["sk"])
    return [(item["operator"], item["action"], item["subject"], item["outcome"]) for item in entries]


def orphan(cells: MemoryCells, state: str) -> str:
    """Leave an order that has ended with a reservation that has not."""
    order_id = place(cells.ports())
    sagas.reserve(cells.ports(), order_id)
    if state == "Completed":
        sagas.debit(cells.ports(), order_id)
    write(cells, f"ORDER#{order_id}", "ORDER", "state", state)
    return order_id


ALL: list[tuple[str, dict[str, Any]]] = [
    ("redrive", about("o-" + "0" * 40)),
    ("repair", about("o-" + "0" * 40)),
    ("refund", about("o-" + "0" * 40)),
    ("stop-selling", {"sku": CD, "version": 1, "reason": "r"}),
    ("resume-selling", {"sku": CD, "version": 1, "reason": "r"}),
    ("transfer-stock", {"sku": CD, "units": 1, "toRegion": THERE, "reason": "r"}),
]


@pytest.mark.parametrize(("operation", "body"), ALL)
@pytest.mark.parametrize("caller", [customer(CUSTOMER), CATALOGUE, NAMELESS])
def test_only_operators_operate_and_by_name(
    cells: MemoryCells, operation: str, body: dict[str, Any], caller: Principal
) -> None:
    before = len(cells.items())

    answer = call(cells, operation, body, by=caller)

    assert (answer.status, answer.problem) == (403, "forbidden")
    assert len(cells.items()) == before


@pytest.mark.parametrize(("operation", "body"), ALL)
def test_an_operation_without_a_reason_or_a_key_is_no_request(
    cells: MemoryCells, operation: str, body: dict[str, Any]
) -> None:
    without_reason = {name: value for name, value in body.items() if name != "reason"}

    assert call(cells, operation, without_reason).status == 400
    assert call(cells, operation, body, key="").problem == "idempotency-key-missing"
    assert trail(cells) == []


def test_a_pending_checkout_is_started_again_under_a_name_of_its_own(cells: MemoryCells) -> None:
    order_id = place(cells.ports())

    answer = call(cells, "redrive", about(order_id))

    assert answer.status == 201
    assert answer.headers["Location"] == f"/v1/operations/{answer.body['operationId']}"
    assert (answer.body["operator"], answer.body["action"], answer.body["outcome"]) == ("anna", "Redrive", "Accepted")
    [event] = [event for event in cells.events() if event.type == "CheckoutRedriven"]
    start = msgspec.json.decode(saga_start(event), type=SagaStart)
    assert start == SagaStart(order_id=order_id, customer_id=CUSTOMER, redrive=1)
    assert trail(cells) == [("anna", "Redrive", order_id, "Accepted")]


def test_a_repeat_of_an_operation_does_nothing_and_answers_alike(cells: MemoryCells) -> None:
    order_id = place(cells.ports())

    first, again = (call(cells, "redrive", about(order_id)) for _ in range(2))

    assert (first.status, first.body) == (again.status, again.body)
    assert len(events_of(cells, "CheckoutRedriven")) == 1
    assert len(trail(cells)) == 1


def test_what_an_operator_did_is_told_without_a_name(cells: MemoryCells) -> None:
    order_id = place(cells.ports())
    done = call(cells, "redrive", about(order_id)).body
    for step in (sagas.reserve, sagas.debit, sagas.complete):
        step(cells.ports(), order_id)
    call(cells, "redrive", about(order_id), key="key-2")
    call(cells, "refund", about(order_id), by=OTHER_OPERATOR)

    told = sorted(
        (event for event in cells.events() if event.type == "OperatorActed"), key=lambda event: str(event.time)
    )
    first, refused, of_another = (open_as(event, OperatorActed) for event in told)

    assert first == OperatorActed(
        operation_id=done["operationId"],
        operator_id=first.operator_id,
        action="Redrive",
        subject=order_id,
        outcome="Accepted",
        region=HERE,
        acted_at=done["actedAt"],
        sequence=1,
    )
    assert (refused.outcome, refused.refusal) == ("Refused", "order-ended")
    assert first.operator_id == refused.operator_id != of_another.operator_id
    assert all(name not in encode(event).decode() for event in told for name in ("anna", "bert", "incident 42"))
    assert [event.subject for event in told] == [first.operation_id, refused.operation_id, of_another.operation_id]


def test_what_customers_and_systems_ask_for_is_told_of_no_operator(cells: MemoryCells) -> None:
    place(cells.ports())
    stop = StopSelling(sku=CD, version=1)
    cause = Cause(id="c-1", correlation_id="c-1", acceptance=Acceptance.ASYNCHRONOUS, owner="catalogue")

    carry_out(cells.ports(), stop, cause)

    assert cells.ports().store.command("c-1") is not None
    assert events_of(cells, "OperatorActed") == []


def test_another_operation_under_the_same_key_is_refused(cells: MemoryCells) -> None:
    order_id = place(cells.ports())
    call(cells, "redrive", about(order_id))

    assert call(cells, "redrive", about(order_id, "another reason")).problem == "idempotency-key-reused"
    assert call(cells, "repair", about(order_id)).problem == "idempotency-key-reused"


def test_operators_keys_are_their_own_and_each_redrive_has_the_next_number(cells: MemoryCells) -> None:
    order_id = place(cells.ports())
    call(cells, "redrive", about(order_id))
    call(cells, "redrive", about(order_id), by=OTHER_OPERATOR)
    call(cells, "redrive", about(order_id), key="key-2")

    assert [event["sequence"] for event in events_of(cells, "CheckoutRedriven")] == [1, 2, 3]
    assert [entry[0] for entry in trail(cells)] == ["anna", "bert", "anna"]


def test_an_order_that_has_ended_is_not_started_again_and_the_refusal_is_in_the_trail(cells: MemoryCells) -> None:
    order_id = place(cells.ports())
    for step in (sagas.reserve, sagas.debit, sagas.complete):
        step(cells.ports(), order_id)

    answers = [call(cells, "redrive", about(order_id)) for _ in range(2)]

    assert [(answer.status, answer.problem) for answer in answers] == [(409, "order-ended")] * 2
    assert trail(cells) == [("anna", "Redrive", order_id, "Refused")]


def test_an_order_that_nobody_placed_is_not_started_again(cells: MemoryCells) -> None:
    unknown = call(cells, "redrive", about("o-" + "0" * 40))

    assert (unknown.status, unknown.problem) == (404, "unknown-order")


def test_an_order_is_redriven_at_home_only(cells: MemoryCells) -> None:
    deposit(cells.ports(THERE), customer=FOREIGNER)
    order_id = place(cells.ports(THERE), customer=FOREIGNER)

    answer = call(cells, "redrive", about(order_id))

    assert (answer.status, answer.problem) == (404, "unknown-order")
    assert THERE in answer.body["detail"]


def test_what_a_rejected_order_holds_goes_back(cells: MemoryCells) -> None:
    order_id = orphan(cells, "Rejected")
    assert [kind.value for kind in kinds(audited(cells))] == ["OrphanedReservation"]

    assert call(cells, "repair", about(order_id)).status == 201

    cells.clock.moment = cells.clock.moment.replace(hour=23)
    assert audit(cells.ports(), book_keeping(cells)).findings == ()
    allotment = cells.ports().store.allotments([CD], HERE)[CD]
    assert (allotment.free, allotment.allotted) == (10, 10)
    assert len(events_of(cells, "StockReleased")) == 1


def test_what_a_completed_order_holds_is_sold(cells: MemoryCells) -> None:
    order_id = orphan(cells, "Completed")

    assert call(cells, "repair", about(order_id)).status == 201

    cells.clock.moment = cells.clock.moment.replace(hour=23)
    assert audited(cells).findings == ()
    assert cells.ports().store.allotments([CD], HERE)[CD].free == 9


def test_an_order_that_holds_nothing_or_has_not_ended_is_not_repaired(cells: MemoryCells) -> None:
    pending = place(cells.ports(), key="pending")
    sagas.reserve(cells.ports(), pending)
    sold = orphan(cells, "Rejected")
    call(cells, "repair", about(sold))

    assert call(cells, "repair", about(pending), key="key-2").problem == "nothing-to-repair"
    assert call(cells, "repair", about(sold), key="key-3").problem == "nothing-to-repair"


def bought(cells: MemoryCells, key: str = "bought") -> str:
    order_id = place(cells.ports(), key=key)
    for step in (sagas.reserve, sagas.debit, sagas.complete):
        step(cells.ports(), order_id)
    return order_id


def handed_over(cells: MemoryCells) -> list[CloudEvent]:
    return [event for event in cells.events() if event.type == "RefundPurchase"]


def deliver(cells: MemoryCells, event: CloudEvent) -> None:
    """Carry out at home what another Region has handed over."""
    received = open_message(event)
    assert isinstance(received, RefundPurchase)
    carry_out(cells.ports(event.destinationregion or HERE), received, command(event.id))


def test_a_purchase_is_taken_back_once_for_the_operation(cells: MemoryCells) -> None:
    order_id = bought(cells)

    answers = [call(cells, "refund", about(order_id)) for _ in range(2)]

    assert [(answer.status, answer.body["outcome"]) for answer in answers] == [(201, "Accepted")] * 2
    assert len(events_of(cells, "PurchaseRefunded")) == 1
    assert trail(cells) == [("anna", "Refund", order_id, "Accepted")]


def test_what_is_no_purchase_or_was_taken_back_before_is_refused_and_the_refusal_in_the_trail(
    cells: MemoryCells,
) -> None:
    pending, sold = place(cells.ports(), key="pending"), bought(cells)
    call(cells, "refund", about(sold))

    again = call(cells, "refund", about(sold), key="key-2")
    early = call(cells, "refund", about(pending), key="key-3")
    unknown = call(cells, "refund", about("o-" + "0" * 40), key="key-4")

    assert (again.status, again.problem) == (early.status, early.problem) == (409, "not-completed")
    assert (unknown.status, unknown.problem) == (404, "unknown-order")
    assert [outcome for *_, outcome in trail(cells)] == ["Accepted", "Refused", "Refused", "Refused"]
    assert len(events_of(cells, "WalletRefunded")) == 1


def test_a_refund_that_is_asked_for_elsewhere_is_handed_over_and_in_the_trails_of_both_regions(
    cells: MemoryCells,
) -> None:
    order_id = bought(cells)

    asked = [call(cells, "refund", about(order_id), region=THERE) for _ in range(2)]
    [event] = handed_over(cells)
    deliver(cells, event)
    deliver(cells, event)
    told = call(cells, "refund", about(order_id), region=THERE)

    assert [(answer.status, answer.body["outcome"]) for answer in asked] == [(202, "HandedOver")] * 2
    assert event.destinationregion == HERE
    assert (told.status, told.body["outcome"], told.body["region"]) == (201, "Accepted", HERE)
    assert (told.body["operator"], told.body["reason"]) == ("anna", "incident 42")
    assert sorted(trail(cells)) == [("anna", "Refund", order_id, outcome) for outcome in ("Accepted", "HandedOver")]
    assert len(events_of(cells, "PurchaseRefunded")) == 1


def test_what_its_home_has_refused_is_told_where_it_was_asked_for_and_does_not_stand_in_the_next_ones_way(
    cells: MemoryCells,
) -> None:
    order_id = place(cells.ports())
    call(cells, "refund", about(order_id), region=THERE)
    deliver(cells, handed_over(cells)[0])

    refused = call(cells, "refund", about(order_id), region=THERE)
    shown = call(cells, "{operationId}", region=THERE, operationId=operation_of(cells))
    for step in (sagas.reserve, sagas.debit, sagas.complete):
        step(cells.ports(), order_id)
    call(cells, "refund", about(order_id), region=THERE, key="key-2")
    deliver(cells, handed_over(cells)[1])

    assert (refused.status, refused.problem) == (409, "not-completed")
    assert (shown.status, shown.body["outcome"]) == (200, "Refused")
    assert "Pending" in shown.body["refusal"]
    assert call(cells, "refund", about(order_id), region=THERE, key="key-2").body["outcome"] == "Accepted"


def operation_of(cells: MemoryCells) -> str:
    """Return the id of the only operation."""
    [operation_id] = {item["operation_id"] for item in cells.items() if item["pk"].startswith("OPERATION#")}
    return operation_id


def test_an_operation_that_reaches_its_home_both_ways_is_one(cells: MemoryCells) -> None:
    order_id = bought(cells)
    call(cells, "refund", about(order_id), region=THERE)
    [event] = handed_over(cells)

    def arrive() -> None:
        cells.before_commit = lambda: None
        deliver(cells, event)

    cells.before_commit = arrive
    record = refund_order(
        cells.ports(),
        Refund(order_id=order_id),
        asked := requested(cells),
        cause=Cause(
            id=asked.id,
            correlation_id=asked.id,
            acceptance=Acceptance.SYNCHRONOUS,
            owner=OPERATORS,
            operation=asked,
        ),
    )

    assert record == Settled()
    assert {asked.id, event.id} <= cells.state().commands.keys()
    assert len(events_of(cells, "PurchaseRefunded")) == 1
    assert [outcome for *_, outcome in trail(cells)].count("Accepted") == 1


def test_a_handover_of_what_was_carried_out_meanwhile_is_answered_in_its_record(cells: MemoryCells) -> None:
    order_id = bought(cells)
    call(cells, "refund", about(order_id), region=THERE)
    [event] = handed_over(cells)
    asked = requested(cells)
    cause = Cause(
        id=asked.id, correlation_id=asked.id, acceptance=Acceptance.SYNCHRONOUS, owner=OPERATORS, operation=asked
    )
    # The other Region's record is not replicated yet.
    remove(cells, f"COMMAND#{asked.id}", "COMMAND")
    refund_order(cells.ports(), Refund(order_id=order_id), asked, cause=cause)

    deliver(cells, event)

    assert cells.state().commands[event.id].outcome == "Accepted"
    assert len(events_of(cells, "PurchaseRefunded")) == 1


def test_an_operation_that_was_handed_over_meanwhile_is_not_handed_over_again(cells: MemoryCells) -> None:
    order_id = bought(cells)
    call(cells, "refund", about(order_id), region=THERE)
    asked = requested(cells)

    cause = Cause(
        id=asked.id, correlation_id=asked.id, acceptance=Acceptance.SYNCHRONOUS, owner=OPERATORS, operation=asked
    )
    result = refund_order(cells.ports(THERE), Refund(order_id=order_id), asked, cause=cause)

    assert result == Settled()
    assert len(handed_over(cells)) == 1


def test_a_purchase_whose_reservation_is_lost_gives_its_money_back(cells: MemoryCells) -> None:
    order_id = bought(cells)
    key = {"pk": {"S": f"ORDER#{order_id}"}, "sk": {"S": "RESERVATION"}}
    cells.client(HERE).delete_item(TableName=cells.table, Key=key)

    assert call(cells, "refund", about(order_id)).status == 201
    assert len(events_of(cells, "WalletRefunded")) == 1


def test_an_operation_that_leaves_no_trail_is_an_error(
    cells: MemoryCells, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(import_module(UntracedOperationError.__module__), "carry_out", _do_nothing)

    assert call(cells, "stop-selling", {"sku": CD, "version": 1, "reason": "r"}).status == 500
    assert "left no trail" in caplog.text


def requested(cells: MemoryCells) -> Operation:
    record = cells.ports(THERE).store.operation(operation_of(cells))
    assert record is not None
    return record.operation


def test_the_sale_of_a_sku_is_stopped_and_resumed(cells: MemoryCells) -> None:
    stopped = call(cells, "stop-selling", {"sku": CD, "version": 1, "reason": "recalled"})
    resumed = call(cells, "resume-selling", {"sku": CD, "version": 2, "reason": "mended"}, key="key-2")

    assert (stopped.status, resumed.status) == (201, 201)
    assert trail(cells) == [
        ("anna", "StopSelling", CD, "Accepted"),
        ("anna", "ResumeSelling", CD, "Accepted"),
    ]


def test_stock_is_sent_to_another_region_once_for_the_operation(cells: MemoryCells) -> None:
    body = {"sku": CD, "units": 4, "toRegion": THERE, "reason": "idle there"}

    answers = [call(cells, "transfer-stock", body) for _ in range(2)]

    assert [answer.status for answer in answers] == [201, 201]
    assert cells.ports().store.allotments([CD], HERE)[CD].free == 6
    assert trail(cells) == [("anna", "TransferStock", CD, "Accepted")]


def test_more_than_is_free_is_not_sent(cells: MemoryCells) -> None:
    body = {"sku": CD, "units": 11, "toRegion": THERE, "reason": "idle there"}

    assert call(cells, "transfer-stock", body).problem == "insufficient-stock"
    assert trail(cells) == [("anna", "TransferStock", CD, "Refused")]


def test_an_operation_is_read_by_operators_in_every_region(cells: MemoryCells) -> None:
    done = call(cells, "redrive", about(place(cells.ports())))
    operation_id = done.body["operationId"]

    read = call(cells, "{operationId}", region=THERE, by=OTHER_OPERATOR, operationId=operation_id)

    assert (read.status, read.body) == (200, done.body)
    assert call(cells, "{operationId}", by=customer(CUSTOMER), operationId=operation_id).status == 403
    assert call(cells, "{operationId}", operationId="op-" + "0" * 40).status == 404


def test_what_the_first_releases_authorizer_says_names_no_operator() -> None:
    said = {name: value for name, value in to_context(OPERATOR, NEVER).items() if name != "operator"}

    assert from_context(said) == NAMELESS


def _do_nothing(_ports: object, _command: object, _cause: object) -> None: ...
