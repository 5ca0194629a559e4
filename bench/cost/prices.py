"""The one table of prices: list prices of us-east-1 without free tiers or discounts, first tier of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

READ_ON: Final = "2026-11-22"
NOT_READ: Final = "not re-read: no copy of the page that could be read shows the figure"


class Meter(StrEnum):
    """What is counted."""

    STATE_TRANSITION = "state transitions (Standard)"
    EXPRESS_REQUEST = "executions (Express)"
    API_REQUEST = "API requests (REST)"
    INVOCATION = "Lambda invocations"
    GB_SECOND = "Lambda GB-seconds (arm64)"
    EVENT = "events put onto the bus"
    QUEUE_REQUEST = "SQS requests"
    WRITE_UNIT = "DynamoDB write units"
    REPLICATED_WRITE_UNIT = "DynamoDB write units of the second Region"
    READ_UNIT = "DynamoDB read units"


@dataclass(frozen=True)
class Price:
    """Dollars for a million, and AWS's page that says so."""

    a_million: float
    source: str
    read: str = READ_ON
    """When the figure was read there (stored copies of pages), or where else it was read."""


_STATES: Final = "https://aws.amazon.com/step-functions/pricing/"
_DYNAMODB: Final = "https://aws.amazon.com/dynamodb/pricing/on-demand/"
_LAMBDA: Final = "https://aws.amazon.com/lambda/pricing/"
_UNITS: Final = (
    f"the kinds of units: {READ_ON}; the figure {NOT_READ}; it is that of "
    "https://airbyte.com/data-engineering-resources/dynamodb-pricing"
)

PRICES: Final[Mapping[Meter, Price]] = {
    Meter.STATE_TRANSITION: Price(25.00, _STATES),
    # Its duration comes on top: at least 100 ms of 64 MB, $0.10 a million.
    Meter.EXPRESS_REQUEST: Price(1.00, _STATES, NOT_READ),
    Meter.API_REQUEST: Price(
        3.50,
        "https://docs.aws.amazon.com/pt_br/whitepapers/latest/best-practices-api-gateway-private-apis-integration/"
        "cost-optimization.html",
    ),
    # The page fills its figures in by a script, which a stored copy does not run.
    Meter.INVOCATION: Price(
        0.20,
        _LAMBDA,
        f"{NOT_READ}; it is that of api-evangelist/aws-lambda, plans/aws-lambda-plans-pricing.yml, made of the page on "
        "2026-09-20",
    ),
    Meter.GB_SECOND: Price(
        13.3334, _LAMBDA, f"{NOT_READ}; it is that of artillery 2.0.28, lib/platform/aws-lambda/prices.js"
    ),
    Meter.EVENT: Price(
        1.00,
        "https://aws.amazon.com/eventbridge/pricing/",
        f"chunks of 64 KB: {READ_ON}; the figure {NOT_READ}; it is that of "
        "https://cloudburn.io/blog/amazon-eventbridge-pricing",
    ),
    Meter.QUEUE_REQUEST: Price(
        0.40,
        "https://aws.amazon.com/sqs/pricing/",
        f"{NOT_READ}; it is that of https://cloudburn.io/blog/amazon-sqs-pricing",
    ),
    Meter.WRITE_UNIT: Price(0.625, _DYNAMODB, _UNITS),
    # Since November 2024 as much as a write unit of one Region.
    Meter.REPLICATED_WRITE_UNIT: Price(
        0.625,
        _DYNAMODB,
        f"the figure {NOT_READ}; that it is a write unit's is said by "
        "https://www.jusdb.com/blog/dynamodb-cost-optimization-a-comprehensive-guide-by-jusdb",
    ),
    Meter.READ_UNIT: Price(0.125, _DYNAMODB, _UNITS),
}

TRANSITIONS_OF_START_AND_END: Final = 2
"""AWS's page counts a transition each time a step is executed, retries included, and that is what is counted here. It
agrees with an answer from practice, that only events whose type ends with Entered are charged
(https://stackoom.com/en/question/4YUKS). The page's worked examples could not be read: should they count an execution's
start and end too, the comparison changes, and so it is made both ways."""


def dollars(counts: Mapping[Meter, float]) -> float:
    """Return what a million of these cost."""
    return sum(PRICES[meter].a_million * count for meter, count in counts.items())
