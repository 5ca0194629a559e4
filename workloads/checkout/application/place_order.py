"""Place an order: in the customer's home it exists at once, elsewhere it is handed over to the home."""

from __future__ import annotations

from typing import TypeAlias

from workloads.checkout.application.changes import AddOrder, AddOrderHandover, AdmitOrder
from workloads.checkout.application.deciding import decide
from workloads.checkout.application.offers import offers_of
from workloads.checkout.application.outbox_entries import Cause, handover_entry, order_entry
from workloads.checkout.application.ports import OrderRecord, Ports
from workloads.checkout.application.recording import keep, record_of
from workloads.checkout.application.results import HandedOver, Placed
from workloads.checkout.domain.admission import Postponed, draw, relieve
from workloads.checkout.domain.handover import hand_over
from workloads.checkout.domain.home import Home
from workloads.checkout.domain.listing import refuse_sold_out
from workloads.checkout.domain.order import Acceptance, Order, fingerprint, place, placed
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.contracts.clock import timestamp
from workloads.contracts.commands import PlaceOrder
from workloads.contracts.identifiers import order_id

Result: TypeAlias = Placed | HandedOver | Refusal | Postponed


def place_order(ports: Ports, command: PlaceOrder, cause: Cause) -> Result:
    """Place the order once for its key, however often it is asked for; a repeat of what is known is never postponed."""
    return decide(ports, lambda: _place(ports, command, cause))


def _place(ports: Ports, command: PlaceOrder, cause: Cause) -> Result:
    record = ports.store.order(order_id(command.customer_id, command.idempotency_key))
    result = _known(ports, record, fingerprint(command)) or _place_anew(ports, command, cause)
    if not isinstance(result, Postponed):
        keep(ports, cause, result)
    return result


def _place_anew(ports: Ports, command: PlaceOrder, cause: Cause) -> Result:
    account = ports.store.account(command.customer_id)
    home = account.home
    if home.region not in ports.regions:
        return Refusal(RefusalKind.UNKNOWN_CUSTOMER, f"{command.customer_id} is at home in no Region of this system")
    # Elsewhere the bucket is a replica, which is at most fuller than the home's own: whoever is refused by it would
    # be refused there too, and hands nothing over.
    bucket = draw(account.order_bucket, ports.admission.rate, ports.clock.now())
    if isinstance(bucket, Postponed):
        return bucket
    order = _judge(ports, command, home, cause)
    if isinstance(order, Refusal):
        return order
    if home.region != ports.region:
        return _hand_over(ports, command, order, cause)
    if (overloaded := relieve(ports.saga_queue.waiting(), ports.admission.capacity)) is not None:
        return overloaded
    ports.store.commit(
        [
            AdmitOrder(order.customer_id, home, account.order_bucket, bucket),
            AddOrder(order),
            *record_of(ports, cause, Placed(order)),
        ],
        [order_entry(ports, order, placed(order), causation_id=cause.id)],
    )
    return Placed(order)


def _judge(ports: Ports, command: PlaceOrder, home: Home, cause: Cause) -> Order | Refusal:
    offers = offers_of(ports, (line.sku for line in command.lines), home.region)
    now = timestamp(ports.clock.now())
    order = place(command, offers, home=home, now=now, acceptance=cause.acceptance, correlation_id=cause.correlation_id)
    if isinstance(order, Refusal) or cause.acceptance is Acceptance.ASYNCHRONOUS:
        # What nobody waits for is decided by the stock itself, where units are held.
        return order
    return refuse_sold_out(offers, region=home.region) or order


def _hand_over(ports: Ports, command: PlaceOrder, order: Order, cause: Cause) -> HandedOver:
    handover = hand_over(
        order.id,
        customer_id=order.customer_id,
        request_hash=order.request_hash,
        region=ports.region,
        home_region=order.home.region,
        now=order.placed_at,
    )
    result = HandedOver(handover)
    ports.store.commit(
        [AddOrderHandover(handover), *record_of(ports, cause, result)],
        [handover_entry(ports, handover, command, cause)],
    )
    return result


def _known(ports: Ports, record: OrderRecord, request_hash: str) -> Placed | HandedOver | Refusal | None:
    """Return what the key already stands for, here or in the replicated record of the home."""
    handover = next((handover for handover in record.handovers if handover.region == ports.region), None)
    if record.order is not None and record.order.request_hash == request_hash:
        return Placed(record.order, handover)
    if handover is not None and handover.request_hash == request_hash:
        end = ports.store.command(handover.command_id)
        return HandedOver(handover, end.refusal if end else None)
    if record.order is not None or handover is not None:
        return Refusal(
            RefusalKind.KEY_REUSED, "this Idempotency-Key was used for another order: a new order needs a new key"
        )
    return None
