"""Measures orders a second through both Regions, over HTTP by k6, and the embedded AWS's own ceiling in the same run.

`python -m bench.throughput [--orders 200] [--rounds 3]`; prints the ratio that is aimed for, and exits 1 where an order
did not complete or the ratio is below the aim.
"""

import argparse
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil
from rich.console import Console
from rich.table import Table

from bench.laptop import running_shop
from local.paths import ROOT
from local.processes import environment
from tests.local.end_to_end.shop import Shop

AIM: Final = 0.5
"""Of the ceiling."""

_AT_ONCE: Final = 48
_CUSTOMERS: Final = 24
"""In each Region: fewer would wait for their own wallets, and a customer places only so many orders at once."""
_CENTS: Final = 999
_AS_MANY_EXECUTIONS: Final = 4
"""For each order: they are over sooner."""
_PATIENCE: Final = 600.0
_HERE: Final = Path(__file__).parent
_K6: Final = Path(sys.executable).parent / "k6"


class BenchError(Exception):
    """Something did not come to its end."""


@dataclass(frozen=True)
class Machine:
    """A state machine whose states do nothing."""

    region: str
    arn: str


@dataclass(frozen=True)
class Round:
    """What one round measured, a second."""

    orders: float
    executions: float


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and tell by the exit status whether the aim was reached."""
    parser = argparse.ArgumentParser(prog="python -m bench.throughput", description=__doc__)
    parser.add_argument("--orders", type=int, default=200, help="orders of each round")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary, running_shop() as shop:
        folder = Path(temporary)
        states = _states_of_an_order(shop)
        machines = [_machine(shop, region, states) for region in shop.regions]
        try:
            plan = _plan(shop, options.orders, rounds=options.rounds + 1)
            # The first round starts the functions' workers.
            found = [
                Round(
                    orders=_orders(folder, plan, f"orders-{number}", options.orders),
                    executions=_executions(
                        shop, folder, machines, f"executions-{number}", _AS_MANY_EXECUTIONS * options.orders
                    ),
                )
                for number in range(options.rounds + 1)
            ][1:]
        except BenchError as error:
            sys.stderr.write(f"{error}\n")
            return 1
    return 0 if show(found, states) else 1


def show(rounds: Sequence[Round], states: int) -> bool:
    """Print the table; tell whether the aim was reached."""
    table = Table(title=f"Both Regions, {len(rounds)} rounds in turns, on {psutil.cpu_count()} cores")
    for column in ("", "a second, median", "least", "most"):
        table.add_column(column, justify="left" if not column else "right")
    for name, values in (
        ("orders, placed over HTTP and completed", [each.orders for each in rounds]),
        (f"executions of {states} states that do nothing", [each.executions for each in rounds]),
    ):
        table.add_row(name, f"{statistics.median(values):.1f}", f"{min(values):.1f}", f"{max(values):.1f}")
    ratio = statistics.median(each.orders / each.executions for each in rounds)
    console = Console()
    console.print(table)
    console.print(f"ratio, median of the rounds: {ratio:.2f} (aim: {AIM})")
    return ratio >= AIM


def _states_of_an_order(shop: Shop) -> int:
    """Return how many states a completed order's saga enters."""
    (region, *_) = shop.regions
    customer = shop.customer(region, cents=_CENTS)
    placed = shop.order(customer, shop.title(cents=_CENTS, units=1))
    order = shop.ended(customer, placed.headers["Location"])
    client = shop.client("stepfunctions", region)
    arn = shop.deployment.outputs[region]["checkout_saga_arn"].replace(":stateMachine:", ":execution:")
    history = client.get_execution_history(executionArn=f"{arn}:{order['orderId']}")
    return sum(event["type"].endswith("StateEntered") for event in history["events"])


def _plan(shop: Shop, orders: int, *, rounds: int) -> Mapping[str, Any]:
    """Stock the shop and sign customers in, for so many orders a round."""
    cents = _CENTS * (orders * rounds // _CUSTOMERS + 1)
    customers = [shop.customer(region, cents=cents) for _ in range(_CUSTOMERS) for region in shop.regions]
    return {
        "sku": shop.title(cents=_CENTS, units=orders * rounds),
        "atOnce": min(_AT_ONCE, orders),
        "customers": [
            {"url": shop.deployment.gateways[customer.home].url, "token": customer.token} for customer in customers
        ],
    }


def _orders(folder: Path, plan: Mapping[str, Any], run: str, orders: int) -> float:
    """Place orders, each to its end; return how many a second."""
    summary = _k6(folder, "orders.js", {**plan, "run": run, "orders": orders})
    return float(summary["metrics"]["iterations"]["rate"])


def _executions(shop: Shop, folder: Path, machines: Sequence[Machine], run: str, executions: int) -> float:
    """Start executions and wait for the last one's end; return how many a second."""
    plan = {
        "run": run,
        "executions": executions,
        "atOnce": min(_AT_ONCE, executions),
        "url": shop.deployment.emulator_url,
        "machines": [{"region": machine.region, "arn": machine.arn} for machine in machines],
    }
    _k6(folder, "executions.js", plan)
    spans = [_ended(shop, machine, run, executions // len(machines)) for machine in machines]
    took = max(last for _, last in spans) - min(first for first, _ in spans)
    return executions / took


def _ended(shop: Shop, machine: Machine, run: str, executions: int) -> tuple[float, float]:
    """Wait until all executions of a run have ended; return the first start and the last stop."""
    client = shop.client("stepfunctions", machine.region)
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        pages = client.get_paginator("list_executions").paginate(stateMachineArn=machine.arn)
        found = [each for page in pages for each in page["executions"] if each["name"].startswith(f"{run}-")]
        if len(found) >= executions and all(each["status"] == "SUCCEEDED" for each in found):
            return (
                min(each["startDate"] for each in found).timestamp(),
                max(each["stopDate"] for each in found).timestamp(),
            )
        time.sleep(0.5)
    message = f"the executions {run} in {machine.region} did not all succeed within {_PATIENCE:.0f} s"
    raise BenchError(message)


def _k6(folder: Path, script: str, plan: Mapping[str, Any]) -> Mapping[str, Any]:
    """Run a script of k6; return its summary. Raises where a check failed."""
    plan_file, summary_file = folder / "plan.json", folder / "summary.json"
    plan_file.write_text(json.dumps(plan), encoding="utf-8")
    ended = subprocess.run(
        [
            str(_K6),
            "run",
            "--quiet",
            "--no-usage-report",
            "--no-color",
            "--summary-export",
            str(summary_file),
            "-e",
            f"PLAN={plan_file}",
            str(_HERE / script),
        ],
        env=environment(NO_PROXY="127.0.0.1,localhost"),
        capture_output=True,
        text=True,
        check=False,
    )
    summary = json.loads(summary_file.read_text(encoding="utf-8")) if ended.returncode == 0 else {"metrics": {}}
    checks = summary["metrics"].get("checks", {"fails": 1})
    if checks["fails"]:
        message = f"{script}: {ended.stdout[-3000:]}{ended.stderr[-2000:]}"
        raise BenchError(message)
    return summary


def _machine(shop: Shop, region: str, states: int) -> Machine:
    """Make a function that does nothing for each state, and a state machine of them."""
    functions = [_function(shop, region, f"bench-nothing-{number}") for number in range(states)]
    names = [f"State{number}" for number in range(states)]
    following = [{"Next": name} for name in names[1:]] + [{"End": True}]
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": names[0],
        "States": {
            name: {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Arguments": {"FunctionName": arn, "Payload": "{% $states.input %}"},
                "Output": "{% $states.input %}",
                **after,
            }
            for name, arn, after in zip(names, functions, following, strict=True)
        },
    }
    made = shop.client("stepfunctions", region).create_state_machine(
        name="bench-nothing", definition=json.dumps(definition), roleArn=_role(shop, region)
    )
    return Machine(region, str(made["stateMachineArn"]))


def _function(shop: Shop, region: str, name: str) -> str:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        file.writestr(entry, f'#!/bin/sh\nexec "{sys.executable}" -m awslambdaric "$_HANDLER"\n')
    made = shop.client("lambda", region).create_function(
        FunctionName=name,
        Runtime="provided.al2023",
        Handler="bench.throughput.nothing.handler",
        Role=_role(shop, region),
        Timeout=15,
        Code={"ZipFile": archive.getvalue()},
        Environment={"Variables": {"PYTHONPATH": str(ROOT)}},
    )
    return str(made["FunctionArn"])


def _role(shop: Shop, region: str) -> str:
    """Return a role's ARN: the embedded AWS asks for one and does not use it."""
    return f"arn:aws:iam::{shop.deployment.account}:role/bench-{region}"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
