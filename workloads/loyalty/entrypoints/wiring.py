"""Wires the projection's use cases to this task's environment, for the projector and for rebuilding."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from workloads.loyalty.adapters.dynamodb_balances import DynamoDBBalances
from workloads.loyalty.adapters.dynamodb_streams import DynamoDBStreams
from workloads.loyalty.domain.accounts import Balance
from workloads.runtime import aws
from workloads.runtime.environment import region, regions, required
from workloads.runtime.publisher import BusPublisher

ForCustomer = Callable[[str], Balance]
"""A use case of the projection that lacks nothing but the customer."""


def wired(use_case: Callable[..., Balance]) -> ForCustomer:
    """Return the use case with this Region's tables and bus; raises MissingSettingError."""
    dynamodb = aws.dynamodb()
    return partial(
        use_case,
        region=region(),
        regions=regions(),
        streams=DynamoDBStreams(dynamodb, required("LOYALTY_EVENTS_TABLE")),
        balances=DynamoDBBalances(dynamodb, required("LOYALTY_PROJECTIONS_TABLE")),
        publisher=BusPublisher(aws.events(), required("EVENT_BUS")),
    )
