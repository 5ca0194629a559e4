"""Puts the use cases' ports together from the environment: what every entrypoint of checkout starts with."""

from __future__ import annotations

import time

from workloads.checkout.adapters.dynamodb import DynamoDbStore
from workloads.checkout.application.ports import Ports
from workloads.contracts.clock import SystemClock
from workloads.runtime import aws, environment


def ports() -> Ports:
    """Return the ports on this Region's replicas of checkout's tables."""
    region = environment.region()
    regions = environment.regions()
    clock = SystemClock()
    store = DynamoDbStore(
        aws.dynamodb(),
        table=environment.required("CHECKOUT_TABLE"),
        outbox=environment.required("CHECKOUT_OUTBOX_TABLE"),
        region=region,
        regions=regions,
        clock=clock,
    )
    return Ports(store=store, clock=clock, sleep=time.sleep, region=region, regions=regions)
