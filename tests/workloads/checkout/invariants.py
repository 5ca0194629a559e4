"""What holds at every moment, whatever has happened: nothing is lost, nothing is made, and events tell the state."""

from __future__ import annotations

from collections import Counter, defaultdict

import msgspec

from tests.workloads.checkout.state import State
from workloads.checkout.domain.allotment import StockLevel
from workloads.checkout.domain.order import OrderState
from workloads.checkout.domain.reservation import ReservationState
from workloads.checkout.domain.token import TokenRecord, TokenState
from workloads.checkout.domain.token import tokens_of as numbers_of
from workloads.checkout.domain.wallet import PaymentState


def check(state: State) -> None:
    """Check all of them."""
    check_stock(state)
    check_transfers(state)
    check_money(state)
    check_orders(state)
    check_events(state)


def check_stock(state: State) -> None:
    """What is not free of an allotment is held or sold, as ordinary units or by tokens, or an open token has it."""
    check_tokens(state)
    used: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for reservation in state.reservations.values():
        if reservation.state is not ReservationState.RELEASED and reservation.returned_at is None:
            used[state.orders[reservation.order_id].home.region].update(reservation.units)
    for (sku, region), allotment in state.allotments.items():
        settled = sum(token.state is TokenState.SETTLED for token in tokens_of(state, sku, region))
        assert allotment.units == allotment.free + allotment.selling.open + used[region][sku] + settled
        if allotment.selling.is_plain():
            assert (allotment.level is StockLevel.SOLD_OUT) == (allotment.free <= 0)


def check_tokens(state: State) -> None:
    """A token is open until it is retired or settled; orders have those that their reservations name."""
    for (sku, region), allotment in state.allotments.items():
        selling = allotment.selling
        tokens = tokens_of(state, sku, region)
        present = [record for record in tokens if record.token.generation == selling.generation]
        closed = sum(record.state in {TokenState.RETIRED, TokenState.SETTLED} for record in present)
        assert selling.open == (0 if selling.is_plain() else selling.issued - closed)
        assert all(record.token.number < selling.issued for record in present)
        past = [record for record in tokens if record.token.generation != selling.generation or selling.is_plain()]
        assert {record.state for record in past} <= {TokenState.RETIRED, TokenState.SETTLED}
    had = {
        (region, token, record.order_id)
        for (region, token), record in state.tokens.items()
        if record.state in {TokenState.TAKEN, TokenState.SETTLED}
    }
    named = [
        (state.orders[reservation.order_id].home.region, token, reservation.order_id)
        for reservation in state.reservations.values()
        if reservation.state is not ReservationState.RELEASED and reservation.returned_at is None
        for token in numbers_of(reservation.tokens)
    ]
    assert len(named) == len(set(named))
    assert had == set(named)


def tokens_of(state: State, sku: str, region: str) -> list[TokenRecord]:
    """Return all that is known of the tokens of a SKU in a Region."""
    return [record for (where, token), record in state.tokens.items() if (where, token.sku) == (region, sku)]


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
                stands = PaymentState.PAID if order.refunded_at is None else PaymentState.REFUNDED
                assert paid is (stands if order.total.minor_units else None)
                assert reservation is not None
                assert (reservation.returned_at is None) == (order.refunded_at is None)
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
        moves = 1 + (order.state is not OrderState.PENDING) + (order.refunded_at is not None)
        assert len(told[f"ORDER#{order.id}"]) == order.sequence == moves
