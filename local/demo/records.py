"""What the demo keeps of its conversation with the entry APIs: filled by replay and read-back, judged by verify."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from local.demo.clients import (
    CommandDocument,
    DepositDocument,
    EntryApi,
    OrderDocument,
    Reply,
    Stopwatch,
    ViewDocument,
)
from local.demo.plan import PlannedCustomer, PlannedOrder, Title, Way

COMPLETED: Final = "Completed"
CANCELLED: Final = "Cancelled"
REFUNDED: Final = "Refunded"
REJECTED: Final = "Rejected"
SOLD_OUT: Final = "SoldOut"
TERMINAL: Final = frozenset({COMPLETED, CANCELLED, REFUNDED, REJECTED})


@dataclass
class OrderRecord:
    """What was asked and answered about one order."""

    order: PlannedOrder
    answers: list[Reply] = field(default_factory=list)
    """To the first request and to its retries."""
    commands: list[CommandDocument] = field(default_factory=list)
    """What became of each of those requests that was a command."""
    cancellation: Reply | None = None
    """The answer to the customer who called it off."""
    cancellation_outcome: str = ""
    """What became of the cancellation as a command, where it was sent to another Region than the home."""
    refunds: list[Reply] = field(default_factory=list)
    """The answers to the operator, who asks twice."""
    seen: dict[str, OrderDocument] = field(default_factory=dict)
    """The order as each Region showed it in the end."""
    faults: list[str] = field(default_factory=list)
    """Answers that no client should ever get here."""
    ended_at: float = 0.0
    """When the demo saw the order's end, on the monotonic clock."""

    @property
    def locations(self) -> set[str]:
        """Return where the answers said the order is: one place, if all is well."""
        found = (
            [command.location for command in self.commands]
            if self.order.way is Way.COMMAND
            else [answer.location for answer in self.answers]
        )
        return {location for location in found if location}

    @property
    def turned_away(self) -> bool:
        """Tell whether the entry refused it as sold out whenever it was asked for: then there is no order."""
        return bool(self.answers) and all(answer.sold_out for answer in self.answers)

    @property
    def at_home(self) -> OrderDocument | None:
        """Return the order as its home shows it, if it did."""
        return self.seen.get(self.order.home)

    @property
    def completed(self) -> bool:
        """Tell whether the order was completed, by its home's word."""
        return self.at_home is not None and self.at_home.state == COMPLETED

    @property
    def purchased(self) -> bool:
        """Tell whether the order was a completed purchase, also where it was taken back then: its points stay."""
        return self.at_home is not None and self.at_home.state in {COMPLETED, REFUNDED}

    @property
    def refunded(self) -> bool:
        """Tell whether the order was taken back, by its home's word."""
        return self.at_home is not None and self.at_home.state == REFUNDED

    @property
    def outcome(self) -> str:
        """Return how the order ended, in one word."""
        if self.at_home is None:
            return SOLD_OUT if self.turned_away else "not seen"
        return outcome_of(self.at_home)


def units_of(records: Iterable[OrderRecord]) -> Counter[Title]:
    """Return the units in these orders, as their homes show them."""
    units: Counter[Title] = Counter()
    for record in records:
        for line in record.at_home.lines if record.at_home else ():
            units[record.order.home, line.sku] += line.quantity
    return units


def outcome_of(document: OrderDocument) -> str:
    """Return how an order ended, in one word: its state, or why it was rejected."""
    return (document.reason or REJECTED) if document.state == REJECTED else document.state


@dataclass
class CustomerRecord:
    """What was asked and answered about one customer's wallet and view."""

    customer: PlannedCustomer
    deposit_location: str = ""
    deposit: DepositDocument | None = None
    """The deposit as the customer's home showed it."""
    views: dict[str, ViewDocument] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Session:
    """The open APIs, and the access tokens of all who call them."""

    apis: Mapping[str, EntryApi]
    customers: dict[str, str]
    systems: Mapping[str, str]
    operators: Mapping[str, str]
    stopwatch: Stopwatch


@dataclass(frozen=True)
class Result:
    """Everything that a run has kept."""

    orders: Sequence[OrderRecord]
    """Those of the file, those of the hot item, and those that took stock, in this order."""
    customers: Sequence[CustomerRecord]
    stopwatch: Stopwatch
    ordering_began: float
    """When the first order was sent, on the monotonic clock."""

    @property
    def orders_a_second(self) -> float:
        """Return the throughput from the first request to the last end of the file's orders, as the demo saw it."""
        ends = [record.ended_at for record in self.orders if record.order.purchases]
        return len(ends) / (max(ends) - self.ordering_began)
