"""The one table of prices: list prices of us-east-1 without free tiers or discounts, first tier of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

READ_ON: Final = "2026-11-22"


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
    """Dollars for a million."""

    a_million: float
    source: str
    date: str = READ_ON
    """When the source was read."""


PRICES: Final[Mapping[Meter, Price]] = {
    Meter.STATE_TRANSITION: Price(25.00, "https://aws.amazon.com/step-functions/pricing/"),
    # Its duration comes on top: at least 100 ms of 64 MB, $0.10 a million.
    Meter.EXPRESS_REQUEST: Price(1.00, "https://aws.amazon.com/step-functions/pricing/"),
    Meter.API_REQUEST: Price(3.50, "https://aws.amazon.com/api-gateway/pricing/"),
    Meter.INVOCATION: Price(0.20, "https://aws.amazon.com/lambda/pricing/"),
    Meter.GB_SECOND: Price(13.3334, "https://aws.amazon.com/lambda/pricing/"),
    Meter.EVENT: Price(1.00, "https://aws.amazon.com/eventbridge/pricing/"),
    Meter.QUEUE_REQUEST: Price(0.40, "https://aws.amazon.com/sqs/pricing/"),
    Meter.WRITE_UNIT: Price(0.625, "https://aws.amazon.com/dynamodb/pricing/on-demand/"),
    Meter.REPLICATED_WRITE_UNIT: Price(0.625, "https://aws.amazon.com/dynamodb/pricing/on-demand/"),
    Meter.READ_UNIT: Price(0.125, "https://aws.amazon.com/dynamodb/pricing/on-demand/"),
}


def dollars(counts: Mapping[Meter, float]) -> float:
    """Return what a million of these cost."""
    return sum(PRICES[meter].a_million * count for meter, count in counts.items())
