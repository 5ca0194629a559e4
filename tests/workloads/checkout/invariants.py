"""What holds at every moment, whatever has happened: nothing is lost, nothing is made, and events tell the state."""

from __future__ import annotations

from collections import Counter, defaultdict

import msgspec

from tests.workloads.checkout.state import State
from workloads.checkout.domain.allotment import StockLevel
from workloads.checkout.domain.order import OrderState
from workloads.checkout.domain.reservation import ReservationState
from workloads.checkout.domain.wallet import PaymentState


def check(state: State) -> None:
    """Check all of them."""
    check_stock(state)
    check_transfers(state)
    check_money(state)
    check_orders(state)
    check_events(state)


def check_stock(state: State) -> None:
    """What is not free of an allotment is held or sold."""
    used: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for reservation in state.reservations.values():
        if reservation.state is not ReservationState.RELEASED:
            used[state.orders[reservation.order_id].home.region].update(reservation.units)
    for (sku, region), allotment in state.allotments.items():
        assert allotment.units - allotment.free == used[region][sku]
        assert (allotment.level is StockLevel.SOLD_OUT) == (allotment.free <= 0)


def check_transfers(state: State) -> None:
    """What has left one Region has entered another one, or is in flight to it."""
    transferred = Counter[str]()
    for (sku, _), allotment in state.allotments.items():
        transferred[sku] += allotment.transferred
    for identity, transfer in state.transfers.items():
        if identity not in state.receipts:
            transferred[transfer.sku] += transfer.units
    assert not any(transferred.values())
    assert state.receipts.keys() <= state.transfers.keys()


def check_money(state: State) -> None:
    """A balance is the sum of its ledger, and never below zero."""
    ledger = Counter[str]()
    for deposit in state.deposits.values():
        ledger[deposit.customer_id] += deposit.amount.minor_units
    for payment in state.payments.values():
        ledger[payment.customer_id] -= payment.amount.minor_units
    for refund in state.refunds.values():
        ledger[refund.customer_id] += refund.amount.minor_units
    for customer, wallet in state.wallets.items():
        assert wallet.balance.minor_units == ledger[customer]
        assert wallet.balance.minor_units >= 0


def check_orders(state: State) -> None:
    """An order ends with all that it asked for, or with nothing."""
    for order in state.orders.values():
        reservation = state.reservations.get(order.id)
        payment = state.payments.get(order.id)
        held = reservation.state if reservation else None
        paid = payment.state if payment else None
        match order.state:
            case OrderState.COMPLETED:
                assert held is ReservationState.CONSUMED
                assert paid is (PaymentState.PAID if order.total.minor_units else None)
            case OrderState.REJECTED:
                assert held not in {ReservationState.HELD, ReservationState.CONSUMED}
                assert paid is not PaymentState.PAID
            case OrderState.PENDING:
                assert held is not ReservationState.CONSUMED


def check_events(state: State) -> None:
    """Each aggregate's events are numbered without a gap, and the last one of a wallet says its balance."""
    told: defaultdict[str, list[int]] = defaultdict(list)
    balances: dict[str, int] = {}
    for (aggregate, sequence), entry in sorted(state.outbox.items()):
        told[aggregate].append(sequence)
        if aggregate.startswith("WALLET#"):
            data = msgspec.json.decode(entry.event.data)
            balances[data["customerId"]] = data["balance"]["minorUnits"]
    assert all(sequences == list(range(1, len(sequences) + 1)) for sequences in told.values())
    for (sku, region), allotment in state.allotments.items():
        assert len(told[f"ALLOTMENT#{sku}#{region}"]) == allotment.availability
    assert balances == {customer: wallet.balance.minor_units for customer, wallet in state.wallets.items()}
    for order in state.orders.values():
        assert len(told[f"ORDER#{order.id}"]) == order.sequence == (1 if order.state is OrderState.PENDING else 2)
