"""A process that works off orders for a hot SKU at random, until it is killed or all of them have ended."""

from __future__ import annotations

import random
from collections.abc import Sequence

from tests.workloads.checkout import sagas
from tests.workloads.checkout.builders import CD
from tests.workloads.checkout.hot_items.hot_cell import HotCell, tend_now
from tests.workloads.conftest import Emulator
from workloads.checkout.application.deciding import UndecidedError
from workloads.checkout.application.ports import Ports
from workloads.checkout.domain.order import OrderState
from workloads.checkout.domain.step import Outcome

for _service in ("dynamodb", "sqs"):
    # The descriptions of the services are read once, in the server that workers are forked from.
    Emulator("http://127.0.0.1:1").client(_service)


def work(cell: HotCell, orders: Sequence[str], seed: int) -> None:
    """Bring each order to its end, as far as nobody else has; look after the SKU now and then."""
    ports = cell.ports()
    rng = random.Random(seed)  # noqa: S311 - a test repeats itself
    open_orders = set(orders)
    while open_orders:
        order_id = rng.choice(sorted(open_orders))
        if rng.random() < 0.2:
            tend_now(ports, CD)
        try:
            go_on(ports, order_id)
        except UndecidedError:
            continue
        order = ports.store.order(order_id).order
        if order is not None and order.state is not OrderState.PENDING:
            open_orders.remove(order_id)


def go_on(ports: Ports, order_id: str) -> None:
    """Do what the saga does: every third order is given up after it has got its units."""
    if sagas.reserve(ports, order_id) is Outcome.RESERVED and int(order_id[-2:], 16) % 3:
        sagas.debit(ports, order_id)
        sagas.complete(ports, order_id)
        return
    sagas.release(ports, order_id)
    sagas.reject(ports, order_id)
