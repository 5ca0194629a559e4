"""What the use cases need from the outside: a store that commits all or nothing, the time, and patience."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final, Protocol

import msgspec

from workloads.checkout.application.changes import Change
from workloads.checkout.application.hot_items.ports import NO_HOT_ITEMS, HotItems
from workloads.checkout.application.outbox_entry import OutboxEntry
from workloads.checkout.domain.admission import Admission
from workloads.checkout.domain.allotment import Allotment
from workloads.checkout.domain.command_record import CommandRecord
from workloads.checkout.domain.handover import Handover
from workloads.checkout.domain.home import Home
from workloads.checkout.domain.ledger import EntryId, LedgerEntry
from workloads.checkout.domain.listing import Listing, Offer
from workloads.checkout.domain.operation import OperationRecord
from workloads.checkout.domain.order import Order
from workloads.checkout.domain.price import Price
from workloads.checkout.domain.reservation import Reservation
from workloads.checkout.domain.transfer import Receipt, Transfer
from workloads.checkout.domain.wallet import Deposit, Payment, Wallet
from workloads.contracts.clock import Clock

RESERVATION_LIFETIME: Final = timedelta(minutes=15)
"""What the cells' settings say unless a cell says otherwise; the steps' function is told by its environment."""


class ConcurrentWriteError(RuntimeError):
    """The ground of a decision changed before it was committed: nothing was written; read and decide again."""

    def __init__(self, what: str) -> None:
        super().__init__(f"another write came first: {what}")


class OrderRecord(msgspec.Struct, frozen=True, kw_only=True):
    """All that is kept under an order's id; each part may be missing."""

    order: Order | None = None
    reservation: Reservation | None = None
    handovers: tuple[Handover, ...] = ()
    redrives: int = 0
    """How often its saga was started again."""


class OrderPlace(msgspec.Struct, frozen=True):
    """Where an order stands among its customer's."""

    placed_at: str
    order_id: str


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Where a customer is at home, and the wallet if there is one."""

    home: Home
    wallet: Wallet | None = None
    order_bucket: int | None = None
    """What `admission.draw` left of the customer's bucket of orders."""


class CheckoutRecord(msgspec.Struct, frozen=True, kw_only=True):
    """All that a step of an order's saga decides on; each part may be missing."""

    account: Account
    order: Order | None = None
    reservation: Reservation | None = None
    payment: Payment | None = None


class DepositRecord(msgspec.Struct, frozen=True, kw_only=True):
    """All that is kept under a deposit's id; each part may be missing."""

    deposit: Deposit | None = None
    handovers: tuple[Handover, ...] = ()


class Store(Protocol):
    """Keeps checkout's state in this Region. Reads see every write that was committed in this Region before."""

    def order(self, order_id: str) -> OrderRecord:
        """Return what is known under an order's id."""
        ...

    def checkout(self, order_id: str, customer_id: str) -> CheckoutRecord:
        """Return how far an order of a customer is, in one request."""
        ...

    def expired(self, now: str) -> Iterable[tuple[str, str]]:
        """Return order and customer of reservations of this Region that expired, some of them if there are many.

        What was written a moment ago may be missing, and what was given back a moment ago may be there.
        """
        ...

    def account(self, customer_id: str) -> Account:
        """Return a customer's home and wallet."""
        ...

    def deposit(self, customer_id: str, deposit_id: str) -> DepositRecord:
        """Return what is known under a deposit's id."""
        ...

    def placed(self, customer_id: str, *, after: OrderPlace | None, at_most: int) -> Sequence[OrderPlace]:
        """Return where a customer's orders stand, from the newest on, behind a place.

        What was placed a moment ago may be missing.
        """
        ...

    def orders(self, order_ids: Iterable[str]) -> Mapping[str, Order]:
        """Return those orders that there are, by id."""
        ...

    def ledger(self, customer_id: str, *, after: EntryId | None, at_most: int) -> Sequence[LedgerEntry]:
        """Return entries of a customer's ledger in the order of their ids, behind an id."""
        ...

    def prices(self, skus: Iterable[str]) -> Mapping[str, Price]:
        """Return the price that counts of each SKU that has one."""
        ...

    def offers(self, skus: Iterable[str], region: str) -> Mapping[str, Offer]:
        """Return the offer, in one Region, of each SKU that has a price."""
        ...

    def listings(self, sku: str) -> Sequence[Listing]:
        """Return what each Region tells about the sale of a SKU."""
        ...

    def transfer(self, transfer_id: str, from_region: str) -> Transfer | None:
        """Return a transfer, and whether its receipt is known here."""
        ...

    def receipt(self, transfer_id: str, from_region: str) -> Receipt | None:
        """Return the receipt of a transfer."""
        ...

    def allotments(self, skus: Iterable[str], region: str) -> Mapping[str, Allotment]:
        """Return a Region's allotment of each SKU that has one."""
        ...

    def command(self, command_id: str) -> CommandRecord | None:
        """Return what became of a command."""
        ...

    def operation(self, operation_id: str) -> OperationRecord | None:
        """Return what an operator did; of one that was handed over, what its home has told so far."""
        ...

    def was_carried_out_here(self, operation_id: str) -> bool:
        """Return whether this Region has an entry of an operation."""
        ...

    def commit(self, changes: Sequence[Change], entries: Sequence[OutboxEntry] = ()) -> None:
        """Make all changes, and put all entries into the outbox, or do nothing and raise ConcurrentWriteError."""
        ...


class OfferMemory(Protocol):
    """Remembers for a moment the offers of what is in demand."""

    def offers(
        self, skus: Iterable[str], region: str, read: Callable[[frozenset[str]], Mapping[str, Offer]]
    ) -> Mapping[str, Offer]:
        """Return the offers of a Region: those that are remembered, and what is read for the others."""
        ...


class NothingRemembered:
    """Where every order is judged by what is read for it."""

    def offers(
        self, skus: Iterable[str], region: str, read: Callable[[frozenset[str]], Mapping[str, Offer]]
    ) -> Mapping[str, Offer]:
        """Return what is read for all of them."""
        del region
        return read(frozenset(skus))


class SagaQueue(Protocol):
    """The orders that wait to begin: to have their units held, or to be rejected."""

    def waiting(self) -> int:
        """Return about how many orders wait; it may be a second old."""
        ...


class NobodyWaits:
    """Where nothing is asked of the queue: no order waits."""

    def waiting(self) -> int:
        """Return none."""
        return 0


class Sagas(Protocol):
    """Carries placed orders through to their ends."""

    def start(self, order_id: str, customer_id: str, *, redrive: int = 0) -> None:
        """Start the saga of an order, or nothing if it was started before under the same number."""
        ...


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """What a use case is handed."""

    store: Store
    clock: Clock
    sleep: Callable[[float], None]
    region: str
    """The Region that this runs in."""
    regions: tuple[str, ...]
    """All Regions of the system."""
    reservation_lifetime: timedelta = RESERVATION_LIFETIME
    """How long an order may hold its units before it is complete."""
    admission: Admission = Admission()
    saga_queue: SagaQueue = NobodyWaits()
    hot_items: HotItems = NO_HOT_ITEMS
    offers: OfferMemory = NothingRemembered()
