"""Puts the use cases' ports together from the environment: what every entrypoint of checkout starts with."""

from __future__ import annotations

import time
from datetime import timedelta

import msgspec

from workloads.checkout.adapters.dynamodb import DynamoDbStore
from workloads.checkout.adapters.offer_memory import OffersForASecond
from workloads.checkout.adapters.saga_queue import SqsSagaQueue
from workloads.checkout.adapters.token_ledger import DynamoDbTokenLedger
from workloads.checkout.adapters.token_queues import SqsTokenQueues
from workloads.checkout.application.hot_items.ports import HotItems
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain.admission import Admission, OrderRate, SagaCapacity
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


def with_hot_items(ports: Ports) -> Ports:
    """Return the ports of what holds or gives back units: some of them are tokens."""
    return msgspec.structs.replace(ports, hot_items=HotItems(queues=token_queues(), ledger=token_ledger()))


def holding_ports() -> Ports:
    """Return the ports of what holds units for orders: it knows for how long."""
    lifetime = timedelta(minutes=int(environment.required("RESERVATION_MINUTES")))
    return msgspec.structs.replace(with_hot_items(ports()), reservation_lifetime=lifetime)


def token_queues() -> SqsTokenQueues:
    """Return this Region's token queues."""
    return SqsTokenQueues(
        aws.sqs,
        urls=environment.required("HOT_ITEM_QUEUE_URLS").split(","),
        care_url=environment.required("HOT_ITEM_CARE_QUEUE_URL"),
        clock=SystemClock(),
    )


def token_ledger() -> DynamoDbTokenLedger:
    """Return the ledger of this Region's tokens."""
    return DynamoDbTokenLedger(
        aws.dynamodb(), table=environment.required("CHECKOUT_TABLE"), region=environment.region()
    )


def admitting_ports() -> Ports:
    """Return the ports of what takes orders: they know how many the cell lets in."""
    rate = OrderRate(
        burst=int(environment.required("ORDER_BURST")), per_minute=int(environment.required("ORDERS_PER_MINUTE"))
    )
    capacity = SagaCapacity(
        starts_per_second=int(environment.required("SAGA_STARTS_PER_SECOND")),
        longest_wait=int(environment.required("LONGEST_SAGA_WAIT")),
    )
    return msgspec.structs.replace(
        ports(),
        admission=Admission(rate=rate, capacity=capacity),
        offers=OffersForASecond(time.monotonic),
        saga_queue=SqsSagaQueue(
            aws.sqs_in_passing, environment.required("SAGA_START_QUEUE_URL"), monotonic=time.monotonic
        ),
    )
