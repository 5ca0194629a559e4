"""What people and systems of record do in a run: shop, pay in, ask again, ask elsewhere, set stock anew.

Each actor is a method that runs as a greenlet of its own. Whoever adds a command to checkout adds an actor here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from tests.simulation.cell import SimulatedCell
from tests.simulation.circumstances import PRICES, SKUS
from tests.simulation.faults import CrashError
from tests.simulation.world import World
from tests.workloads.checkout.builders import refund_of
from tests.workloads.regions import REGIONS
from workloads.checkout.application.cancel import cancel_order
from workloads.checkout.application.carry_out import carry_out
from workloads.checkout.application.deciding import UndecidedError
from workloads.checkout.application.deposit import deposit_to_wallet
from workloads.checkout.application.outbox_entries import Cause
from workloads.checkout.application.place_order import place_order
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.refund import refund_purchase
from workloads.checkout.application.results import Deposited, HandedOver, Placed
from workloads.checkout.application.set_allotment import set_allotment
from workloads.checkout.application.set_price import set_price
from workloads.checkout.domain.admission import Postponed
from workloads.checkout.domain.order import Acceptance, OrderStatus
from workloads.contracts.commands import (
    CancelOrder,
    Command,
    DepositToWallet,
    PlaceOrder,
    RequestedLine,
    RequestedSellingMode,
    ResumeSelling,
    SetAllotment,
    SetPrice,
    SetSellingMode,
    StopSelling,
    TransferAllotment,
)
from workloads.contracts.identifiers import order_id
from workloads.contracts.money import Money
from workloads.runtime.queues import QueueRefusedError

T = TypeVar("T")

CUSTOMERS: Final = 8
"""In each Region."""
SECONDS: Final = (4.0, 30.0, 120.0)
"""How long shoppers keep coming: all at once, or one after the other."""
_TRIES: Final = 8
_TECHNICAL: Final = (BotoCoreError, ClientError, UndecidedError, QueueRefusedError, CrashError)


def order_of(command: PlaceOrder) -> str:
    """Return the id of the order that a command places."""
    return order_id(command.customer_id, command.idempotency_key)


class Shoppers:
    """All that comes from outside, and what it was answered."""

    def __init__(self, world: World, checkouts: int) -> None:
        self.world = world
        self.checkouts = checkouts
        self.promised: dict[str, Placed | HandedOver] = {}
        """What customers were told of their orders, by order."""
        self.deposited: dict[str, int] = {}
        """What was certainly paid in, by deposit."""
        self.told_of_the_end: dict[str, OrderStatus] = {}
        """What an order's home said when it was asked to call it off or to take it back, by order."""
        self.sale_versions: dict[str, int] = {}
        """The newest version of what was said about a SKU's sale and carried out."""
        self._random = world.scheduler.random
        self._requests = 0
        self._seconds = self._random.choice(SECONDS)

    def open_the_shop(self) -> None:
        """Set prices, stock and first deposits, in fair weather."""
        self.world.scheduler.spawn(self._open)
        self.world.scheduler.run()

    def _open(self) -> None:
        draw = self._random
        demand = self.checkouts * 2 / len(SKUS) / len(REGIONS)
        scarcity = draw.uniform(0.3, 1.3)
        for region, cell in self.world.cells.items():
            for sku in SKUS:
                price = SetPrice(sku=sku, price=Money(PRICES[sku], "USD"), version=1)
                set_price(cell.ports, price, self._request())
                units = round(demand * scarcity * draw.uniform(0.5, 1.5))
                set_allotment(cell.ports, SetAllotment(sku=sku, units=units, version=1), self._request())
            for sku in sorted(self.world.circumstances.hot):
                self._switch(cell, sku, RequestedSellingMode.HOT, 1)
            for number in range(CUSTOMERS):
                if draw.random() < 0.9:
                    self._pay_in(f"{region}.c-{number}", "opening", draw.randrange(5_000, 200_000))

    def come(self) -> None:
        """Let everybody come at a time of their own."""
        spawn, draw = self.world.scheduler.spawn, self._random
        for number in range(self.checkouts):
            customer = self._customer()
            command = PlaceOrder(customer_id=customer, idempotency_key=f"order-{number}", lines=self._lines())
            spawn(lambda command=command: self._shop(command), self._seconds * draw.random())
        for number in range(self.checkouts // 5):
            customer, amount = self._customer(), draw.randrange(1_000, 60_000)
            spawn(
                lambda customer=customer, number=number, amount=amount: self._pay_in(
                    customer, f"late-{number}", amount
                ),
                self._seconds * draw.random(),
            )
        for cell in self.world.cells.values():
            for version in range(2, 2 + draw.randrange(3)):
                spawn(lambda cell=cell, version=version: self._restock(cell, version), self._seconds * draw.random())
            for number in range(draw.randrange(4)):
                spawn(lambda cell=cell, number=number: self._transfer(cell, number), self._seconds * draw.random())
            for sku in sorted(self.world.circumstances.switched):
                spawn(lambda cell=cell, sku=sku: self._switch_to_and_fro(cell, sku), self._seconds * draw.random())
        for sku in sorted(self.world.circumstances.stopped):
            spawn(lambda sku=sku: self._stop_and_resume(sku), self._seconds * draw.random())

    def _shop(self, command: PlaceOrder) -> None:
        draw = self._random
        home = command.customer_id.split(".", 1)[0]
        region = home if draw.random() < 0.85 else self._elsewhere(home)
        if draw.random() < 0.03:
            # Impatient: the same request in the other Region, at the same time.
            other = self._elsewhere(region)
            self.world.scheduler.spawn(lambda: self._place(command, other))
        self._place(command, region)
        if draw.random() < 0.15:
            # The order is called off while its saga runs, or too late.
            self.world.scheduler.sleep(10 * self.world.weather.latency * draw.random() * draw.choice((1, 30)))
            order = CancelOrder(customer_id=command.customer_id, order_id=order_of(command))
            self._end(lambda ports: cancel_order(ports, order, self._request()), order.order_id, region)
        elif draw.random() < 0.15:
            self.world.scheduler.sleep(60 * draw.random())
            operation = f"op-{command.idempotency_key}"
            purchase = refund_of(order_of(command), operation, command.customer_id)
            self._end(lambda ports: refund_purchase(ports, purchase, self._request()), purchase.order_id, home)
        if draw.random() < 0.02:
            # Nothing is wrong with it, and an operator redrives it all the same.
            self.world.operators[home].redrive(order_of(command))
        if draw.random() < 0.05:
            self.world.scheduler.sleep(300 * draw.random())
            self._place(command, self._elsewhere(region) if draw.random() < 0.5 else region)

    def _place(self, command: PlaceOrder, region: str) -> None:
        """Ask until there is an answer, after a failure perhaps in the other Region."""
        for attempt in range(_TRIES):
            ports = self.world.cells[region].admitting_ports
            try:
                result = place_order(ports, command, self._request())
            except _TECHNICAL:
                self.world.scheduler.sleep(2**attempt * self._random.random())
                if self._random.random() < 0.3:
                    region = self._elsewhere(region)
                continue
            match result:
                case Placed() | HandedOver(refusal=None):
                    self.promised[order_id(command.customer_id, command.idempotency_key)] = result
                    return
                case Postponed(retry_after=seconds):
                    self.world.scheduler.sleep(seconds)
                case _:
                    return

    def _end(self, use_case: Callable[[Ports], object], order: str, region: str) -> None:
        """Call an order off, or take a purchase back, and remember what was said of it."""
        result = self._insist(use_case, self.world.cells[region].ports)
        if isinstance(result, Placed):
            self.told_of_the_end[order] = result.order.status

    def _pay_in(self, customer: str, key: str, amount: int) -> None:
        home = customer.split(".", 1)[0]
        region = home if self._random.random() < 0.85 else self._elsewhere(home)
        command = DepositToWallet(customer_id=customer, idempotency_key=key, amount=Money(amount, "USD"))
        result = self._insist(
            lambda ports: deposit_to_wallet(ports, command, self._request()), self.world.cells[region].ports
        )
        match result:
            case Deposited(deposit=deposit):
                self.deposited[deposit.id] = amount
            case HandedOver(handover=handover):
                self.deposited[handover.subject] = amount
            case _:
                return

    def _restock(self, cell: SimulatedCell, version: int) -> None:
        for sku in SKUS:
            units = self._random.randrange(self.checkouts)
            command = SetAllotment(sku=sku, units=units, version=version)
            self._insist(lambda ports, command=command: set_allotment(ports, command, self._request()), cell.ports)

    def _transfer(self, cell: SimulatedCell, number: int) -> None:
        """Send units to another Region; a planner who got no answer asks again, perhaps under another command."""
        command = TransferAllotment(
            transfer_id=f"transfer-{number}",
            sku=self._random.choice(SKUS),
            units=self._random.randrange(1, 1 + self.checkouts // 10),
            to_region=self._elsewhere(cell.region),
        )
        for _ in range(self._random.choice((1, 1, 2))):
            self._command(cell, command, "stock.write")
            self.world.scheduler.sleep(30 * self._random.random())

    def _switch_to_and_fro(self, cell: SimulatedCell, sku: str) -> None:
        """Let a SKU become hot and plain again while it is sold, faster than tokens are issued or drained."""
        mode = RequestedSellingMode.PLAIN if sku in self.world.circumstances.hot else RequestedSellingMode.HOT
        for version in range(2, 3 + self._random.randrange(3)):
            self._switch(cell, sku, mode, version)
            mode = RequestedSellingMode.HOT if mode is RequestedSellingMode.PLAIN else RequestedSellingMode.PLAIN
            self.world.scheduler.sleep(self._seconds * self._random.random())

    def _switch(self, cell: SimulatedCell, sku: str, mode: RequestedSellingMode, version: int) -> None:
        self._command(cell, SetSellingMode(sku=sku, mode=mode, version=version), "stock.write")

    def _stop_and_resume(self, sku: str) -> None:
        """Take a SKU off sale and put it on sale again, wherever the planner happens to be."""
        for version, kind in enumerate(self._random.choice(((StopSelling, ResumeSelling), (StopSelling,))), start=1):
            cell = self.world.cells[self._random.choice(REGIONS)]
            if self._command(cell, kind(sku=sku, version=version), "catalogue.write"):
                self.sale_versions[sku] = version
            self.world.scheduler.sleep(self._seconds * self._random.random())

    def _command(self, cell: SimulatedCell, command: Command, owner: str) -> bool:
        """Carry a command out as the queue's function does; return whether it certainly was."""
        self._requests += 1
        identifier = f"command-{self._requests}"
        cause = Cause(id=identifier, correlation_id=identifier, acceptance=Acceptance.ASYNCHRONOUS, owner=owner)

        def carry(ports: Ports) -> bool:
            carry_out(ports, command, cause)
            return True

        return self._insist(carry, cell.ports) or False

    def _insist(self, use_case: Callable[[Ports], T], ports: Ports) -> T | None:
        for attempt in range(_TRIES):
            try:
                return use_case(ports)
            except _TECHNICAL:
                self.world.scheduler.sleep(2**attempt * self._random.random())
        return None

    def _lines(self) -> tuple[RequestedLine, ...]:
        draw = self._random
        count = draw.choice((1, 1, 1, 2, 3))
        return tuple(RequestedLine(draw.choice(SKUS), draw.randrange(1, 3)) for _ in range(count))

    def _customer(self) -> str:
        return f"{self._random.choice(REGIONS)}.c-{self._random.randrange(CUSTOMERS)}"

    def _elsewhere(self, region: str) -> str:
        return self._random.choice([other for other in REGIONS if other != region])

    def _request(self) -> Cause:
        self._requests += 1
        identifier = f"request-{self._requests}"
        return Cause(id=identifier, correlation_id=identifier, acceptance=Acceptance.SYNCHRONOUS)
