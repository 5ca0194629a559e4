"""What only the present release writes: orders called off or taken back, units that expire, tokens, transfers.

The release before has to read it, and its steps may still come: an execution keeps the version of its functions.
"""

from __future__ import annotations

from tests.workloads.checkout import sagas as steps
from tests.workloads.checkout.builders import BOOK, CD, allot, deposit, list_price, place, request, usd
from tests.workloads.checkout.cell import MemoryCells
from tests.workloads.checkout.hot_items.selling import make_hot
from tests.workloads.checkout.test_operations import about, call
from tests.workloads.checkout.token_pools import MemoryPools, with_pools
from tests.workloads.regions import HERE, THERE
from workloads.checkout.application.cancel import cancel_order
from workloads.checkout.application.ports import RESERVATION_LIFETIME, Ports
from workloads.checkout.application.sweep import sweep
from workloads.contracts.commands import CancelOrder

CUSTOMER = f"{HERE}.c-new"


def present_shop(cells: MemoryCells) -> Ports:
    """Sell one title from the counter and one by tokens, to a customer with money."""
    ports = with_pools(cells, MemoryPools())
    for sku in (CD, BOOK):
        list_price(ports, sku, usd(1000))
    allot(ports)
    make_hot(ports, 5, BOOK)
    deposit(ports, customer=CUSTOMER)
    return ports


def held(ports: Ports, key: str, sku: str = CD) -> str:
    """Hold two units for an order."""
    order = place(ports, (sku, 2), customer=CUSTOMER, key=key)
    steps.reserve(ports, order, CUSTOMER)
    return order


def call_off(ports: Ports, order: str) -> None:
    """Write down the wish to cancel; nobody acts on it yet."""
    cancel_order(ports, CancelOrder(customer_id=CUSTOMER, order_id=order), request(f"cancel-{order}"))


def let_expire(cells: MemoryCells) -> None:
    """Pass the time for which an order holds its units."""
    cells.clock.moment += RESERVATION_LIFETIME


def write_new_states(cells: MemoryCells) -> None:
    """Leave an order in each state that the release before does not know, and items of each kind."""
    ports = present_shop(cells)
    cancelled, _expired = held(ports, "cancelled"), held(ports, "expired")
    call_off(ports, cancelled)
    for step in (steps.release, steps.reject):
        step(ports, cancelled, CUSTOMER)
    let_expire(cells)
    sweep(ports)
    refunded, cancelling, _by_tokens = held(ports, "refunded"), held(ports, "cancelling"), held(ports, "hot", BOOK)
    for step in (steps.debit, steps.complete):
        step(ports, refunded, CUSTOMER)
    assert call(cells, "refund", about(refunded), key="refund").status == 201
    call_off(ports, cancelling)
    transfer = {"sku": CD, "units": 1, "toRegion": THERE, "reason": "r"}
    assert call(cells, "transfer-stock", transfer, key="transfer").status == 201
    assert call(cells, "stop-selling", {"sku": CD, "version": 1, "reason": "r"}, key="stop").status == 201
