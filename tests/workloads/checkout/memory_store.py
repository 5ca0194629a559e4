"""A store in memory with the same conditions as the one on DynamoDB: for rules and for histories that a search makes.

All Regions see the same state at once, as in the embedded AWS. `before_commit` lets a test act between the reads of
a decision and its commit; it is where races are made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from workloads.checkout.application import changes as c
from workloads.checkout.application.ports import Account, ConcurrentWriteError, DepositRecord, OrderRecord, OutboxEntry
from workloads.checkout.domain.allotment import Allotment
from workloads.checkout.domain.command_record import CommandRecord
from workloads.checkout.domain.handover import Handover
from workloads.checkout.domain.home import Home, birth_home
from workloads.checkout.domain.order import Order, OrderState
from workloads.checkout.domain.price import Price, newest
from workloads.checkout.domain.reservation import Reservation, ReservationState
from workloads.checkout.domain.wallet import Deposit, Payment, PaymentState, Wallet


class LostAnswerError(RuntimeError):
    """The write happened, or not, and its answer never came."""


class State(msgspec.Struct):
    """Everything that is stored."""

    orders: dict[str, Order] = {}
    reservations: dict[str, Reservation] = {}
    handovers: dict[tuple[str, str], Handover] = {}
    wallets: dict[str, Wallet] = {}
    homes: dict[str, Home] = {}
    deposits: dict[str, Deposit] = {}
    payments: dict[str, Payment] = {}
    refunds: dict[str, Payment] = {}
    prices: dict[tuple[str, str], Price] = {}
    allotments: dict[tuple[str, str], Allotment] = {}
    commands: dict[str, CommandRecord] = {}
    outbox: dict[tuple[str, int], OutboxEntry] = {}


class MemoryStore:
    """Implements `Store`."""

    def __init__(self) -> None:
        self.state = State()
        self.before_commit: Callable[[], None] = _nothing
        self.after_commit: Callable[[], None] = _nothing

    def order(self, order_id: str) -> OrderRecord:
        return OrderRecord(
            order=self.state.orders.get(order_id),
            reservation=self.state.reservations.get(order_id),
            handovers=self._handovers(order_id),
        )

    def account(self, customer_id: str) -> Account:
        return Account(home=self._home(customer_id), wallet=self.state.wallets.get(customer_id))

    def deposit(self, customer_id: str, deposit_id: str) -> DepositRecord:
        found = self.state.deposits.get(deposit_id)
        return DepositRecord(
            deposit=found if found and found.customer_id == customer_id else None,
            handovers=self._handovers(deposit_id),
        )

    def payment(self, customer_id: str, order_id: str) -> Payment | None:
        found = self.state.payments.get(order_id)
        return found if found and found.customer_id == customer_id else None

    def prices(self, skus: Iterable[str]) -> Mapping[str, Price]:
        found = {sku: newest(price for (of, _), price in self.state.prices.items() if of == sku) for sku in set(skus)}
        return {sku: price for sku, price in found.items() if price is not None}

    def allotments(self, skus: Iterable[str], region: str) -> Mapping[str, Allotment]:
        found = {sku: self.state.allotments.get((sku, region)) for sku in set(skus)}
        return {sku: allotment for sku, allotment in found.items() if allotment is not None}

    def command(self, command_id: str) -> CommandRecord | None:
        return self.state.commands.get(command_id)

    def commit(self, changes: Sequence[c.Change], entries: Sequence[OutboxEntry] = ()) -> None:
        self.before_commit()
        # The values are frozen: a copy of each dict is a copy of all.
        after = State(*(dict(getattr(self.state, name)) for name in State.__struct_fields__))
        for change in changes:
            self._apply(after, change)
        for entry in entries:
            _put(after.outbox, (entry.aggregate, entry.sequence), entry)
        self.state = after
        self.after_commit()

    def _apply(self, state: State, change: c.Change) -> None:  # noqa: C901, PLR0912 - one branch a kind
        match change:
            case c.AddOrder(order=order):
                _put(state.orders, order.id, order)
            case c.EndOrder(order=order):
                _require(self._pending(state, order), change)
                state.orders[order.id] = order
            case c.CheckOrderPending(order=order):
                _require(self._pending(state, order), change)
            case c.CheckHome(customer_id=customer_id, home=home):
                _require(self._home(customer_id) == home, change)
            case c.AddReservation(reservation=reservation):
                _put(state.reservations, reservation.order_id, reservation)
            case c.MoveReservation(reservation=reservation):
                held = state.reservations.get(reservation.order_id)
                _require(held is not None and held.state is ReservationState.HELD, change)
                state.reservations[reservation.order_id] = reservation
            case c.CheckNothingHeld(order_id=order_id):
                held = state.reservations.get(order_id)
                _require(held is None or held.state is not ReservationState.HELD, change)
            case c.TakeStock(sku=sku, region=region, units=units):
                allotment = state.allotments.get((sku, region))
                _require(allotment is not None and allotment.free >= units, change)
                self._move_stock(state, sku, region, -units)
            case c.ReturnStock(sku=sku, region=region, units=units):
                _require((sku, region) in state.allotments, change)
                self._move_stock(state, sku, region, units)
            case c.ChangeWallet(wallet=wallet):
                before = state.wallets.get(wallet.customer_id)
                _require((before.version if before else 0) == wallet.version - 1, change)
                _require(self._home(wallet.customer_id) == wallet.home, change)
                state.wallets[wallet.customer_id] = wallet
            case c.AddDeposit(deposit=deposit):
                _put(state.deposits, deposit.id, deposit)
            case c.AddPayment(payment=payment):
                _put(state.payments, payment.order_id, payment)
            case c.RefundPayment(payment=payment):
                _require(_paid(state, payment.order_id), change)
                state.payments[payment.order_id] = payment
                _put(state.refunds, payment.order_id, payment)
            case c.CheckPaid(order_id=order_id):
                _require(_paid(state, order_id), change)
            case c.CheckNotPaid(order_id=order_id):
                _require(not _paid(state, order_id), change)
            case c.SetPriceItem(price=price):
                before_price = state.prices.get((price.sku, price.region))
                _require(before_price is None or before_price.version < price.version, change)
                state.prices[price.sku, price.region] = price
            case c.SetAllotmentItem(before=before_allotment, after=after):
                present = state.allotments.get((after.sku, after.region))
                if before_allotment is None or present is None:
                    _require(before_allotment is None and present is None, change)
                    state.allotments[after.sku, after.region] = after
                else:
                    _require(present.version == before_allotment.version, change)
                    state.allotments[after.sku, after.region] = msgspec.structs.replace(
                        after, free=present.free + after.allotted - before_allotment.allotted
                    )
            case c.AddOrderHandover(handover=handover) | c.AddDepositHandover(handover=handover):
                _put(state.handovers, (handover.subject, handover.region), handover)
            case c.AddCommandRecord(record=record):
                _put(state.commands, record.command_id, record)

    def _home(self, customer_id: str) -> Home:
        return self.state.homes.get(customer_id, birth_home(customer_id))

    def _handovers(self, subject: str) -> tuple[Handover, ...]:
        return tuple(handover for (of, _), handover in sorted(self.state.handovers.items()) if of == subject)

    @staticmethod
    def _pending(state: State, order: Order) -> bool:
        present = state.orders.get(order.id)
        return present is not None and present.state is OrderState.PENDING and present.home == order.home

    @staticmethod
    def _move_stock(state: State, sku: str, region: str, units: int) -> None:
        allotment = state.allotments[sku, region]
        state.allotments[sku, region] = msgspec.structs.replace(allotment, free=allotment.free + units)


def _paid(state: State, order_id: str) -> bool:
    payment = state.payments.get(order_id)
    return payment is not None and payment.state is PaymentState.PAID


def _put(items: dict[Any, Any], key: object, value: object) -> None:
    if key in items:
        raise ConcurrentWriteError(str(key))
    items[key] = value


def _require(holds: object, change: c.Change) -> None:
    if not holds:
        raise ConcurrentWriteError(type(change).__name__)


def _nothing() -> None:
    return None
