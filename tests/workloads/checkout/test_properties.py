"""What holds of the pure functions, whatever they are given: of orders, of reservations and of money."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.workloads.checkout.builders import CUSTOMER, deposit_of, order_of, usd
from workloads.checkout.domain import order as orders
from workloads.checkout.domain import reservation as reservations
from workloads.checkout.domain import wallet as wallets
from workloads.checkout.domain.allotment import Allotment
from workloads.checkout.domain.home import Home
from workloads.checkout.domain.listing import Offer
from workloads.checkout.domain.order import FOLLOWING, Acceptance, IllegalTransitionError, Order, OrderStatus
from workloads.checkout.domain.price import Price
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.checkout.domain.reservation import ReservationState
from workloads.checkout.domain.step import reason_of_end
from workloads.checkout.domain.wallet import Payment, Wallet
from workloads.contracts.commands import MAXIMUM_QUANTITY
from workloads.contracts.events import CancellationReason, RejectionReason
from workloads.contracts.money import MAXIMUM_MINOR_UNITS, Money

HOME = Home("us-east-1")
NOW = "2026-03-01T12:00:00.000000Z"
SKUS = ("cd", "book", "tape")
AMOUNTS = st.integers(0, MAXIMUM_MINOR_UNITS) | st.integers(0, 10_000)
LINES = st.lists(st.tuples(st.sampled_from(SKUS), st.integers(1, MAXIMUM_QUANTITY)), min_size=1, max_size=20)


def placed(lines: list[tuple[str, int]], prices: dict[str, int]) -> Order | Refusal:
    offers = {
        sku: Offer(price=Price(sku=sku, region="us-east-1", amount=usd(minor_units), version=1))
        for sku, minor_units in prices.items()
    }
    return orders.place(
        order_of(*lines), offers, home=HOME, now=NOW, acceptance=Acceptance.SYNCHRONOUS, correlation_id="c"
    )


def an_order(*lines: tuple[str, int]) -> Order:
    order = placed(list(lines) or [("cd", 1)], dict.fromkeys(SKUS, 100))
    assert isinstance(order, Order)
    return order


def moved(order: Order, move: str) -> Order:
    """Return the order after a move; the same one where it is refused or does not lead there."""
    try:
        match move:
            case "complete":
                return orders.complete(order, now=NOW)[0]
            case "reject":
                return orders.reject(order, RejectionReason.SOLD_OUT)[0]
            case "cancel":
                return orders.cancel(order, CancellationReason.CUSTOMER_REQUEST)[0]
            case "refund":
                decided = orders.refund(order, now=NOW)
                return order if isinstance(decided, Refusal) else decided[0]
            case _:
                wished = orders.request_cancellation(order, now=NOW)
                return order if isinstance(wished, Refusal) else wished
    except IllegalTransitionError:
        return order


@given(moves=st.lists(st.sampled_from(["complete", "reject", "cancel", "refund", "wish"]), max_size=12))
def test_an_order_moves_only_where_its_machine_leads_and_tells_of_each_end_once(moves: list[str]) -> None:
    history = [an_order()]
    for move in moves:
        history.append(moved(history[-1], move))

    statuses = [order.status for order in history]
    assert all(before is after or after in FOLLOWING[before] for before, after in pairwise(statuses))
    told = {order.sequence: order.status for order in history}
    assert sorted(told) == list(range(1, len(told) + 1))
    assert len(told) <= (3 if OrderStatus.REFUNDED in statuses else 2)


@given(move=st.sampled_from(["complete", "reject", "cancel"]), again=st.sampled_from(["complete", "reject", "cancel"]))
def test_an_order_that_has_ended_does_not_end_again(move: str, again: str) -> None:
    ended = moved(an_order(), move)

    assert moved(ended, again) == ended


@given(
    lines=LINES,
    free=st.dictionaries(st.sampled_from(SKUS), st.integers(-5, 400)),
)
def test_all_lines_are_held_or_none(lines: list[tuple[str, int]], free: dict[str, int]) -> None:
    order = an_order(*lines)
    allotments = {
        sku: Allotment(sku=sku, region="us-east-1", allotted=1000, free=units, version=1) for sku, units in free.items()
    }
    wanted: Counter[str] = Counter()
    for sku, quantity in lines:
        wanted[sku] += quantity

    reservation = reservations.reserve(order, allotments)

    enough = all(free.get(sku, 0) >= units for sku, units in wanted.items())
    assert (reservation.state is ReservationState.HELD) == enough
    assert reservation.all_units() == (wanted if enough else Counter())
    assert (reservation.refusal is RejectionReason.SOLD_OUT) == (not enough)


@given(opening=AMOUNTS, paid=AMOUNTS, later=AMOUNTS)
def test_money_is_neither_made_nor_lost(opening: int, paid: int, later: int) -> None:
    wallet = Wallet(customer_id=CUSTOMER, balance=usd(opening), version=1, home=HOME)
    order = msgspec.structs.replace(an_order(), total=usd(paid))

    decided = wallets.debit(wallet, order)

    if isinstance(decided, Payment):
        assert paid > opening
        assert decided.amount == usd(0)
        return
    after, payment = decided
    assert after.balance.minor_units + payment.amount.minor_units == opening
    assert after.balance.minor_units >= 0
    topped_up = wallets.deposit(after, deposit_of(usd(later)), home=HOME, now=NOW, acceptance=Acceptance.SYNCHRONOUS)
    assume(not isinstance(topped_up, Refusal))
    assert not isinstance(topped_up, Refusal)
    assume(topped_up[0].balance.minor_units + paid <= MAXIMUM_MINOR_UNITS)
    back, _ = wallets.refund(topped_up[0], payment)
    assert back.balance.minor_units == opening + later
    assert back.version == wallet.version + 3


@given(opening=AMOUNTS, amount=AMOUNTS)
def test_a_wallet_never_holds_more_than_can_be_counted(opening: int, amount: int) -> None:
    wallet = Wallet(customer_id=CUSTOMER, balance=usd(opening), version=1, home=HOME)

    decided = wallets.deposit(wallet, deposit_of(usd(amount)), home=HOME, now=NOW, acceptance=Acceptance.SYNCHRONOUS)

    if isinstance(decided, Refusal):
        assert decided.kind is RefusalKind.AMOUNT_TOO_LARGE
        assert opening + amount > MAXIMUM_MINOR_UNITS
    else:
        assert decided[0].balance == usd(opening + amount)


@given(lines=LINES, prices=st.fixed_dictionaries(dict.fromkeys(SKUS, AMOUNTS)))
def test_a_total_is_exact_or_refused(lines: list[tuple[str, int]], prices: dict[str, int]) -> None:
    total = sum(prices[sku] * quantity for sku, quantity in lines)

    order = placed(lines, prices)

    if total > MAXIMUM_MINOR_UNITS:
        assert isinstance(order, Refusal)
        assert order.kind is RefusalKind.AMOUNT_TOO_LARGE
    else:
        assert isinstance(order, Order)
        assert order.total == Money(total, "USD")


@given(
    wished=st.booleans(),
    refusal=st.none() | st.sampled_from([RejectionReason.SOLD_OUT, RejectionReason.INSUFFICIENT_FUNDS]),
    expired=st.booleans(),
)
def test_an_end_without_a_purchase_has_one_reason(
    wished: bool,  # noqa: FBT001 - drawn
    refusal: RejectionReason | None,
    expired: bool,  # noqa: FBT001 - drawn
) -> None:
    order = moved(an_order(), "wish") if wished else an_order()
    reservation = msgspec.structs.replace(
        reservations.release(order, None, now=NOW), refusal=refusal, expired_at=NOW if expired else None
    )

    reason = reason_of_end(order, reservation, None)

    if wished:
        assert reason is CancellationReason.CUSTOMER_REQUEST
    elif refusal is not None:
        assert reason is refusal
    else:
        assert reason is (CancellationReason.RESERVATION_EXPIRED if expired else RejectionReason.TECHNICAL_FAILURE)
