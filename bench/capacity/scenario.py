"""What happens in the simulated event: demand, stock, and how customers and machines behave. All are assumptions."""

from dataclasses import dataclass
from typing import Final

SLICE: Final = 0.01
"""Seconds. The entry answers by slices: a hundredth of the shortest thing that changes its answers, the second for
which a function keeps the flag and the depth that it has read."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One Region's part. Rates are a second, times seconds."""

    demand: float = 25_000.0
    """New checkouts, each of one unit of the one item."""
    ramp: float = 2.0
    """From none to all of the demand."""
    lasts: float = 45.0
    stock: int = 10_000
    tail: float = 65.0
    """For how long the Region is watched after the last new checkout."""

    # Customers.
    greedy_share: float = 0.04
    """Part of the demand that comes from customers who are over their own rate: programs that buy."""
    greedy_customers: int = 50
    a_customers_rate: float = 5.0
    a_customers_burst: float = 50.0
    away_share: float = 0.02
    """Part of the demand that reaches a Region which is not the customer's home, and is handed over."""
    patience: int = 3
    """How often a customer tries again after 429 or 503: when the answer says, and up to half of it later."""

    # What goes wrong.
    lost_answers: float = 0.01
    """Part of all writes whose answer is lost after they were made; as many of the client's answers are lost too."""
    kills: float = 0.001
    """Part of the reservations whose worker dies: half before its transaction, half after."""
    deliveries_twice: float = 0.001

    # What the program is set to.
    flag_age: float = 1.0
    """For how long a function keeps what it has read of the flag and of the queue's depth."""
    queue_seconds: float = 10.0
    """The bound of the queue of orders, in seconds of what drains it."""
    count_every: float = 0.2
    """The decider counts taken tokens at most this often."""
    visibility: float = 5.0
    """Of the tokens' queue. The last units are sold, and sold out is known, only this long after a worker died."""
    shards: int = 64
    """Of the sharded counter, and the prefixes of the tokens' keys."""
    starts_of_a_starter: int = 20
    """Orders a second that one starter is set to begin: its concurrency is what StartExecution takes, over this."""
    batch: int = 10
    """Messages that a starter takes at once, and handles one after the other."""
    batch_takes_units: float = 15.0
    """Seconds after which a starter leaves the rest of its batch to the executions."""
    message_hidden: float = 180.0
    """Visibility time-out of the queue of orders: when what a starter could not do comes back."""
    order_bound: float = 60.0
    """An order that has not ended after this time counts as timed out."""

    # How long things take.
    request: float = 0.025
    """A request in the entry's function."""
    write: float = 0.008
    """A transaction, and so for how long it holds its items."""
    receive: float = 0.006
    long_poll: float = 1.0
    """A receive that finds nothing."""
    load: float = 0.016
    """What a starter does for an order around receive and transaction: reads, and its share of an invocation."""
    start: float = 0.02
    """A call of StartExecution."""
    step: float = 0.03
    """A state of the saga around its transaction: invocation, reads, transition."""
    publish: float = 0.3
    """From a commit over stream, function, bus or queue to the consumer."""
    flag_write: float = 0.5
    """From the sold-out event on the bus to the flag in the table."""
    reads: float = 4.0
    """Read units of a request at the entry, apart from what functions keep."""
    events: int = 4
    """Of an order, each put onto the bus by itself: batches only help."""
    targets: int = 2
    """Targets of rules that an event goes to, at most."""
    place_items: int = 3
    """Items of the transaction that places an order: two write units each."""
    reserve_items: int = 3
    """Items of the one that reserves, besides the stock's own."""
    refuse_items: int = 2
    """Items of the one that writes down that there was no unit."""
    reject_items: int = 4
    debit_items: int = 4
    complete_items: int = 4
