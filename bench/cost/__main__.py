"""Counts what checkouts take in a real run on this machine, and prices a million of them beside the public sample's.

`python -m bench.cost [--orders 100]`; exits 1 where the bound is not kept.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bench.cost.counting import Bill, Tables, bill, read_log, size
from bench.cost.prices import PRICES, READ_ON, TRANSITIONS_OF_START_AND_END, Meter, dollars
from bench.cost.sample import PURCHASE, REFUSED, as_written, counts
from bench.laptop import running_shop
from tests.local.end_to_end.shop import Customer, Shop

MOST: Final = 0.6
"""At most this part of what the sample's flow costs."""

_AT_ONCE: Final = 8
_CENTS: Final = 1999
_QUIET_SECONDS: Final = 2.0
_FLAG_SECONDS: Final = 15.0


class BenchError(Exception):
    """An order did not end as it should have."""


@dataclass(frozen=True)
class Counted:
    """Orders of one kind and what they took."""

    name: str
    orders: int
    made: Bill

    @property
    def each(self) -> Mapping[Meter, float]:
        """Return the counts of one order."""
        return self.made.each(self.orders)


def main(arguments: Sequence[str]) -> int:
    """Count, print, and tell by the exit status whether the bound was kept."""
    parser = argparse.ArgumentParser(prog="python -m bench.cost", description=__doc__)
    parser.add_argument("--orders", type=int, default=100, help="how many orders of each kind are placed")
    orders: int = parser.parse_args(arguments).orders
    with tempfile.TemporaryDirectory() as temporary:
        log = Path(temporary) / "requests.jsonl"
        with running_shop(request_log=log) as shop:
            try:
                counted = _count(shop, log, orders)
            except BenchError as error:
                sys.stderr.write(f"{error}\n")
                return 1
    return 0 if show(counted) else 1


def show(counted: Sequence[Counted]) -> bool:
    """Print counts, prices and the comparison; tell whether the bound was kept."""
    completed, sold_out, *_ = counted
    columns: list[tuple[str, Mapping[Meter, float]]] = [
        *((f"{kind.name}\n({kind.orders} orders)", kind.each) for kind in counted),
        ("the sample:\npurchase", counts(PURCHASE)),
        ("the sample:\nnot enough stock", counts(REFUSED)),
    ]
    table = Table(title=f"A checkout, and a million at list prices of us-east-1 ({READ_ON})")
    table.add_column("")
    table.add_column("$ a million", justify="right")
    for head, _ in columns:
        table.add_column(head, justify="right")
    for meter in Meter:
        if any(counts_of.get(meter) for _, counts_of in columns):
            table.add_row(
                meter.value,
                f"{PRICES[meter].a_million:g}",
                *(f"{counts_of.get(meter, 0.0):.2f}" for _, counts_of in columns),
            )
    table.add_section()
    table.add_row("$ for a million", "", *(f"{dollars(counts_of):.2f}" for _, counts_of in columns))
    console = Console(width=150)
    console.print(table)
    # The sample's duration can not be counted from its code: without ours, both are what is counted.
    ours, theirs = dollars(_requests(completed.each)), dollars(counts(PURCHASE))
    part = ours / theirs
    console.print(f"completed, beside the sample's states at the price of Standard: {part:.2f} (at most {MOST})")
    one_region = {
        meter: count for meter, count in _requests(completed.each).items() if meter is not Meter.REPLICATED_WRITE_UNIT
    }
    console.print(f"… without the second Region, which the sample has not: {dollars(one_region) / theirs:.2f}")
    console.print(
        f"{sold_out.name}, beside the sample's: {dollars(_requests(sold_out.each)) / dollars(counts(REFUSED)):.2f}"
    )
    more = dollars({Meter.STATE_TRANSITION: TRANSITIONS_OF_START_AND_END})
    console.print(
        f"completed, were an execution's start and end transitions too, of both: {(ours + more) / (theirs + more):.2f}"
    )
    console.print(
        f"as the sample is written, Express and at least once, a purchase is ${dollars(as_written(PURCHASE)):.2f} a "
        "million and the duration of its workflow and functions on top"
    )
    for meter in Meter:
        console.print(f"  {meter.value}: {PRICES[meter].source} ({PRICES[meter].read})", highlight=False)
    for kind in counted:
        console.print(f"{kind.name}: " + ", ".join(f"{name} {n}" for name, n in sorted(kind.made.operations.items())))
    return part <= MOST


def _requests(each: Mapping[Meter, float]) -> Mapping[Meter, float]:
    return {meter: count for meter, count in each.items() if meter is not Meter.GB_SECOND}


def _count(shop: Shop, log: Path, orders: int) -> Sequence[Counted]:
    region = shop.regions[0]
    title = shop.title(cents=_CENTS, units=10 * orders)
    customers = [shop.customer(region, cents=_CENTS * (orders + 10)) for _ in range(_AT_ONCE)]
    poor = [shop.customer(region, cents=100) for _ in range(_AT_ONCE)]
    rare = shop.title(cents=_CENTS, units=1)
    costly = shop.title(cents=_CENTS, units=10 * orders)
    orders_of: defaultdict[str, list[tuple[Customer, str]]] = defaultdict(list)

    def placed(buyers: Sequence[Customer], sku: str, expected: Sequence[int]) -> Callable[[int], None]:
        def place(number: int) -> None:
            buyer = buyers[number % _AT_ONCE]
            answer = shop.order(buyer, sku)
            if answer.status_code == 201:
                orders_of[sku].append((buyer, answer.headers["Location"]))
            if answer.status_code not in expected:
                message = f"an order of {sku} was answered {answer.status_code}: {answer.text}"
                raise BenchError(message)

        return place

    # The first orders start functions and fill caches.
    _at_once(placed(customers, title, [201]), _AT_ONCE)
    placed(customers, rare, [201])(0)
    _quiet(log)
    kinds: Sequence[tuple[str, Callable[[int], None]]] = (
        ("completed", placed(customers, title, [201])),
        (_sold_out(shop, customers[0], rare), placed(customers, rare, [201, 409])),
        ("refused by the saga: no money", placed(poor, costly, [201])),
    )
    taken: list[tuple[str, Sequence[Mapping[str, Any]], int]] = []
    for name, place in kinds:
        _, start = read_log(log, 0)
        _at_once(place, orders)
        _quiet(log)
        records, _ = read_log(log, start)
        # At once: the embedded AWS keeps the steps of the newest executions only.
        taken.append((name, records, _transitions(shop, region, records)))
    _verify(shop, orders_of[title], "Completed")
    _verify(shop, orders_of[costly], "Rejected")
    tables = _tables(shop, region)
    functions = shop.deployment.of_type("aws:lambda/function:Function", region=region)
    memory = {
        function.inputs["name"]: int(function.inputs["memorySize"])
        for function in functions
        if "checkout" in function.inputs["name"] or "authorizer" in function.inputs["name"]
    }
    polled = frozenset(name for name in memory if name.endswith(("commands", "saga-starter", "availability")))
    counted: list[Counted] = []
    for name, records, transitions in taken:
        made = bill(records, tables, memory=memory, polled=polled)
        made.counts[Meter.API_REQUEST] += orders
        made.counts[Meter.STATE_TRANSITION] += transitions
        counted.append(Counted(name, orders, made))
    return counted


def _verify(shop: Shop, orders: Sequence[tuple[Customer, str]], state: str) -> None:
    """Raise unless every order has ended as it was counted."""
    for customer, location in orders:
        if (ended := shop.ended(customer, location))["state"] != state:
            message = f"{location} ended as {ended}, not {state}"
            raise BenchError(message)


def _sold_out(shop: Shop, customer: Customer, sku: str) -> str:
    """Wait for a moment until the entry knows; tell who refuses from then on."""
    deadline = time.monotonic() + _FLAG_SECONDS
    while time.monotonic() < deadline:
        if shop.order(customer, sku, wait=10).status_code == 409:
            return "sold out, at the entry"
    return "sold out, by the starter"


def _at_once(place: Callable[[int], None], orders: int) -> None:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(place, range(orders)))


def _quiet(log: Path) -> None:
    """Wait until nothing was written or published for a while: all that the orders set off has come to rest."""
    before = -1
    while (now := sum("TransactWriteItems" in line or "PutEvents" in line for line in log.open())) != before:
        before = now
        time.sleep(_QUIET_SECONDS)


def _transitions(shop: Shop, region: str, records: Sequence[Mapping[str, Any]]) -> int:
    """Return how many states the executions entered that were started meanwhile, retries included."""
    client = shop.client("stepfunctions", region)
    entered = 0
    for record in records:
        if record.get("operation") != "StartExecution" or record["status"] != 200:
            continue
        arn = record["answer"]["executionArn"]
        pages = client.get_paginator("get_execution_history").paginate(executionArn=arn)
        kinds = Counter(event["type"] for page in pages for event in page["events"])
        states = sum(count for kind, count in kinds.items() if kind.endswith("StateEntered"))
        if states == 0:
            message = f"the steps of {arn} are forgotten: place at most 150 orders of a kind"
            raise BenchError(message)
        entered += states + max(0, kinds["TaskScheduled"] - kinds["TaskStateEntered"])
    return entered


def _tables(shop: Shop, region: str) -> Tables:
    client = shop.dynamodb(region)
    names = [shop.table("checkout"), shop.table("checkout-outbox")]
    found: dict[tuple[str, str, str], Mapping[str, Any]] = {}
    index_keys: dict[str, Sequence[Sequence[str]]] = {}
    for name in names:
        for page in client.get_paginator("scan").paginate(TableName=name):
            for item in page["Items"]:
                found[name, item["pk"].get("S", ""), item["sk"].get("S", "")] = item
        described = client.describe_table(TableName=name)["Table"]
        index_keys[name] = [
            [key.get("AttributeName", "") for key in index.get("KeySchema", ())]
            for index in described.get("GlobalSecondaryIndexes", ())
        ]
    return Tables(
        regions=len(shop.regions),
        sizes={key: size(item) for key, item in found.items()},
        index_keys=index_keys,
        keys_of={key: frozenset(item) for key, item in found.items()},
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
