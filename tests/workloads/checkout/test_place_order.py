"""Placing an order: once for its key, at home at once, elsewhere handed over."""

from __future__ import annotations

import msgspec
import pytest

from tests.workloads.checkout.builders import (
    BOOK,
    CD,
    CUSTOMER,
    FOREIGNER,
    command,
    list_price,
    order_of,
    request,
    usd,
)
from tests.workloads.checkout.cell import AnyCells, events_of
from tests.workloads.conftest import HERE, THERE
from workloads.checkout.application.carry_out import carry_out
from workloads.checkout.application.place_order import place_order
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.queries import await_end, read_command, read_order
from workloads.checkout.application.results import HandedOver, Placed
from workloads.checkout.domain.command_record import CommandOutcome
from workloads.checkout.domain.order import Acceptance, OrderState
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.contracts.commands import Command
from workloads.contracts.envelope import CloudEvent, open_message
from workloads.contracts.money import MAXIMUM_MINOR_UNITS, Money


def placed(result: object) -> Placed:
    assert isinstance(result, Placed), result
    return result


def handed_over(result: object) -> HandedOver:
    assert isinstance(result, HandedOver), result
    return result


def refused(result: object) -> RefusalKind:
    assert isinstance(result, Refusal), result
    return result.kind


def commands_to(cells: AnyCells, region: str) -> list[CloudEvent]:
    return [event for event in cells.events() if event.destinationregion == region]


def arrive(ports: Ports, event: CloudEvent) -> None:
    message = open_message(event)
    assert isinstance(message, Command)
    carry_out(ports, message, command(event.id))


def test_an_order_is_pending_at_the_list_prices(cells: AnyCells, here: Ports) -> None:
    list_price(here, CD, usd(1099))
    list_price(here, BOOK, usd(2500))

    order = placed(place_order(here, order_of((CD, 2), (BOOK, 1)), request())).order

    assert (order.state, order.total, order.home.region) == (OrderState.PENDING, usd(4698), HERE)
    assert [line.unit_price for line in order.lines] == [usd(1099), usd(2500)]
    [event] = events_of(cells, "OrderPlaced")
    assert (event["orderId"], event["total"]["minorUnits"], event["sequence"]) == (order.id, 4698, 1)


def test_the_same_key_is_the_same_order(cells: AnyCells, here: Ports) -> None:
    list_price(here)
    first = placed(place_order(here, order_of(), request("first")))

    again = placed(place_order(here, order_of(), request("again")))

    assert again.order == first.order
    assert len(events_of(cells, "OrderPlaced")) == 1


def test_the_same_key_keeps_the_price_of_its_day(here: Ports) -> None:
    list_price(here)
    first = placed(place_order(here, order_of(), request()))
    list_price(here, price=usd(9999), version=2)

    assert placed(place_order(here, order_of(), request())).order.total == first.order.total


def test_the_same_key_with_another_body_is_refused(here: Ports) -> None:
    list_price(here)
    place_order(here, order_of((CD, 1)), request())

    assert refused(place_order(here, order_of((CD, 2)), request())) is RefusalKind.KEY_REUSED


def test_two_customers_may_use_the_same_key(here: Ports) -> None:
    list_price(here)
    one = placed(place_order(here, order_of(customer="us-east-1.c-1"), request()))

    other = placed(place_order(here, order_of(customer="us-east-1.c-2"), request()))

    assert other.order.id != one.order.id


def test_an_unknown_sku_is_refused_and_nothing_is_written(cells: AnyCells, here: Ports) -> None:
    list_price(here)

    assert refused(place_order(here, order_of((CD, 1), ("no-such", 1)), request())) is RefusalKind.UNKNOWN_SKU

    assert cells.events() == []


def test_lines_in_two_currencies_are_refused(here: Ports) -> None:
    list_price(here, CD, usd(1000))
    list_price(here, BOOK, Money(1000, "EUR"))

    assert refused(place_order(here, order_of((CD, 1), (BOOK, 1)), request())) is RefusalKind.MIXED_CURRENCIES


def test_a_total_out_of_bounds_is_refused(here: Ports) -> None:
    list_price(here, price=usd(MAXIMUM_MINOR_UNITS))

    assert refused(place_order(here, order_of((CD, 2)), request())) is RefusalKind.AMOUNT_TOO_LARGE


def test_a_customer_of_no_region_of_ours_is_refused(here: Ports) -> None:
    list_price(here)

    result = place_order(here, order_of(customer="ap-south-1.c-1"), request())

    assert refused(result) is RefusalKind.UNKNOWN_CUSTOMER


def test_an_order_away_from_home_is_handed_over_with_its_command(cells: AnyCells, here: Ports) -> None:
    list_price(here)

    handover = handed_over(place_order(here, order_of(customer=FOREIGNER), request("request-7"))).handover

    assert (handover.region, handover.home_region) == (HERE, THERE)
    [event] = commands_to(cells, THERE)
    assert (event.id, event.type, event.originregion) == (handover.command_id, "PlaceOrder", HERE)
    assert (event.correlationid, event.causationid) == ("request-7", "request-7")
    assert open_message(event) == order_of(customer=FOREIGNER)
    shown = read_order(here, handover.subject)
    assert isinstance(shown, HandedOver)


def test_an_order_away_from_home_is_handed_over_once(cells: AnyCells, here: Ports) -> None:
    list_price(here)
    first = handed_over(place_order(here, order_of(customer=FOREIGNER), request("first")))

    again = handed_over(place_order(here, order_of(customer=FOREIGNER), request("again")))

    assert again.handover == first.handover
    assert len(commands_to(cells, THERE)) == 1


def test_the_same_key_with_another_body_is_refused_where_it_was_handed_over(here: Ports) -> None:
    list_price(here)
    place_order(here, order_of((CD, 1), customer=FOREIGNER), request())

    assert refused(place_order(here, order_of((CD, 2), customer=FOREIGNER), request())) is RefusalKind.KEY_REUSED


def test_an_unknown_sku_is_refused_away_from_home_too(cells: AnyCells, here: Ports) -> None:
    assert refused(place_order(here, order_of(customer=FOREIGNER), request())) is RefusalKind.UNKNOWN_SKU

    assert cells.events() == []


def test_the_home_carries_out_what_was_handed_over(cells: AnyCells, here: Ports, there: Ports) -> None:
    list_price(here)
    handover = handed_over(place_order(here, order_of(customer=FOREIGNER), request())).handover
    [event] = commands_to(cells, THERE)

    arrive(there, event)
    arrive(there, event)

    order = placed(place_order(here, order_of(customer=FOREIGNER), request()))
    assert (order.order.id, order.order.home.region) == (handover.subject, THERE)
    assert (order.order.acceptance, order.handover) == (Acceptance.ASYNCHRONOUS, handover)
    record = read_command(here, handover.command_id)
    assert record is not None
    assert (record.outcome, record.order_id) == (CommandOutcome.ACCEPTED, handover.subject)
    assert len(events_of(cells, "OrderPlaced")) == 1


def test_an_order_placed_at_home_is_known_in_the_other_region(here: Ports, there: Ports) -> None:
    list_price(here)
    order = placed(place_order(here, order_of(), request())).order

    assert placed(place_order(there, order_of(), request())).order == order
    assert refused(place_order(there, order_of((CD, 9)), request())) is RefusalKind.KEY_REUSED


def test_a_key_that_meant_another_order_at_home_shows_as_the_rejection_of_the_handover(
    cells: AnyCells, here: Ports, there: Ports
) -> None:
    list_price(here)
    handover = handed_over(place_order(here, order_of((CD, 2), customer=FOREIGNER), request())).handover
    placed(place_order(there, order_of((CD, 1), customer=FOREIGNER), request()))

    [event] = commands_to(cells, THERE)
    arrive(there, event)

    shown = handed_over(place_order(here, order_of((CD, 2), customer=FOREIGNER), request()))
    assert shown.refusal is not None
    assert shown.refusal.kind is RefusalKind.KEY_REUSED
    record = read_command(here, handover.command_id)
    assert record is not None
    assert (record.outcome, record.refusal) == (CommandOutcome.REFUSED, shown.refusal)


def test_an_asynchronous_command_leads_to_its_order(here: Ports) -> None:
    list_price(here)

    carry_out(here, order_of(), command("c-1"))

    record = read_command(here, "c-1")
    assert record is not None
    assert (record.outcome, record.owner) == (CommandOutcome.ACCEPTED, CUSTOMER)
    assert record.order_id is not None
    shown = placed(read_order(here, record.order_id))
    assert shown.order.acceptance is Acceptance.ASYNCHRONOUS


def test_an_asynchronous_command_that_is_refused_says_why(here: Ports) -> None:
    carry_out(here, order_of(), command("c-1"))
    list_price(here)
    carry_out(here, order_of(), command("c-1"))

    record = read_command(here, "c-1")
    assert record is not None
    assert (record.outcome, record.order_id) == (CommandOutcome.REFUSED, None)
    assert record.refusal is not None
    assert record.refusal.kind is RefusalKind.UNKNOWN_SKU


def test_an_asynchronous_command_away_from_home_is_handed_over_and_followed(
    cells: AnyCells, here: Ports, there: Ports
) -> None:
    list_price(here)
    carry_out(here, order_of((CD, 2), customer=FOREIGNER), command("c-1", FOREIGNER))
    record = read_command(here, "c-1")
    assert record is not None
    assert record.outcome is CommandOutcome.HANDED_OVER
    placed(place_order(there, order_of((CD, 1), customer=FOREIGNER), request()))

    [event] = commands_to(cells, THERE)
    arrive(there, event)

    record = read_command(here, "c-1")
    assert record is not None
    assert record.outcome is CommandOutcome.REFUSED
    assert record.refusal is not None
    assert record.refusal.kind is RefusalKind.KEY_REUSED


@pytest.mark.parametrize("first_by", ["request", "command"])
def test_a_request_and_a_command_under_one_key_are_one_order(here: Ports, first_by: str) -> None:
    list_price(here)
    if first_by == "request":
        place_order(here, order_of(), request())
    carry_out(here, order_of(), command("c-1"))

    order = placed(place_order(here, order_of(), request())).order

    record = read_command(here, "c-1")
    assert record is not None
    assert record.order_id == order.id
    expected = Acceptance.SYNCHRONOUS if first_by == "request" else Acceptance.ASYNCHRONOUS
    assert order.acceptance is expected


def test_waiting_ends_with_the_order_or_with_the_time(here: Ports) -> None:
    list_price(here)
    pending = placed(place_order(here, order_of(), request()))
    ticks = iter(range(100))

    shown = await_end(here, pending, 3, monotonic=lambda: next(ticks))

    assert placed(shown).order.state is OrderState.PENDING
    assert next(ticks) < 10


def test_an_event_of_an_order_names_the_request_that_caused_it(cells: AnyCells, here: Ports) -> None:
    list_price(here)

    place_order(here, order_of(), request("request-7"))

    [event] = cells.events()
    assert (event.correlationid, event.causationid) == ("request-7", "request-7")
    assert (event.source, event.originregion, event.destinationregion) == ("meridian.checkout", HERE, None)
    assert msgspec.json.decode(event.data)["orderId"] == event.subject
