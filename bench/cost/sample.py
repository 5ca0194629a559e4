"""What one purchase takes in the public sample of this system, counted by reading its code.

aws-samples/implementing-distributed-design-patterns at 20d129128603459a0ba3676c8a8d0bec605e5c35 (November 2023).
Nothing of it is built or run here. Counted is what the purchase takes until its event is on the bus.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bench.cost.prices import Meter


@dataclass(frozen=True)
class Counted:
    """A count and where it is read from."""

    count: float
    where: str


PURCHASE: Final[Mapping[Meter, Counted]] = {
    Meter.API_REQUEST: Counted(1, "infrastructure/application_stack.py: a REST API, POST /purchase"),
    Meter.STATE_TRANSITION: Counted(
        6,
        "infrastructure/retail/RetailStack.py: Step1: Reserve Stock, Has enough stock?, Step2: Process Payment, "
        "Payment success?, Step3: Emit an event to Loyalty Domain, Check out success",
    ),
    Meter.INVOCATION: Counted(
        3,
        "process_purchase_handler.py, reserve_stock_handler.py, process_payment_handler.py in "
        "application/lambdas/retail/handlers",
    ),
    Meter.READ_UNIT: Counted(
        1.5,
        "eventually consistent get_item of the stock (reserve_stock_handler.py), the price and the balance "
        "(process_payment_handler.py): half a unit each",
    ),
    Meter.WRITE_UNIT: Counted(
        2, "update_item of the stock (reserve_stock_handler.py) and of the balance (process_payment_handler.py)"
    ),
    Meter.EVENT: Counted(1, "infrastructure/retail/RetailStack.py: EventBridgePutEvents, Purchase Completed"),
}
"""Its tables live in one Region; its functions' duration can not be counted from code and is left out."""

REFUSED: Final[Mapping[Meter, Counted]] = {
    Meter.API_REQUEST: Counted(1, "as above"),
    Meter.STATE_TRANSITION: Counted(
        3,
        "infrastructure/retail/RetailStack.py: Step1: Reserve Stock, Has enough stock?, "
        "Check out failed: Not enough stock",
    ),
    Meter.INVOCATION: Counted(2, "process_purchase_handler.py, reserve_stock_handler.py"),
    Meter.READ_UNIT: Counted(0.5, "get_item of the stock (reserve_stock_handler.py)"),
}
"""A purchase that finds too little stock."""


def counts(of: Mapping[Meter, Counted]) -> Mapping[Meter, float]:
    """Return the bare counts."""
    return {meter: counted.count for meter, counted in of.items()}


def as_written(of: Mapping[Meter, Counted]) -> Mapping[Meter, float]:
    """Return the counts of the workflow type that the sample uses: Express, billed by execution, not by state."""
    bare = {meter: count for meter, count in counts(of).items() if meter is not Meter.STATE_TRANSITION}
    return {**bare, Meter.EXPRESS_REQUEST: 1}
