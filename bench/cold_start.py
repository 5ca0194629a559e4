"""How long a function takes from its process's start to its first answer, beside one made of the usual libraries.

`python -m bench.cold_start [--rounds 16]`; exits 1 where a bound is not kept. Each process runs the real runtime
interface client against a Runtime API of this program's, sees only the packages that its image would hold, and does
real work on the embedded AWS.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import psutil
from rich.console import Console
from rich.table import Table

from bench.embedded import REGION, REGIONS, Embedded, embedded_aws
from local.paths import ROOT
from tests.images.endpoints import PATIENCE, runtime_api
from workloads.checkout.adapters.dynamodb import DynamoDbStore
from workloads.checkout.application import steps
from workloads.checkout.application.deposit import deposit_to_wallet
from workloads.checkout.application.outbox_entries import Cause
from workloads.checkout.application.place_order import place_order
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.results import Placed
from workloads.checkout.application.set_allotment import set_allotment
from workloads.checkout.application.set_price import set_price
from workloads.checkout.application.steps import Checkout
from workloads.checkout.domain.order import Acceptance
from workloads.contracts.clock import SystemClock
from workloads.contracts.commands import DepositToWallet, PlaceOrder, RequestedLine, SetAllotment, SetPrice
from workloads.contracts.money import Money

MOST: Final = 0.55
"""At most this part of the other function's time."""

_LOCK: Final = ROOT / "workloads" / "requirements.lock"
_PEERS_PACKAGES: Final = (
    "aws-lambda-powertools",
    "pydantic",
    "pydantic-core",
    "annotated-types",
    "typing-extensions",
    "typing-inspection",
)
_CUSTOMER: Final = f"{REGION}.c-bench"
_SKU: Final = "bench-unicorn"
_SAGA: Final = "bench-saga"
_WARM_UP: Final = 2


class BenchError(Exception):
    """A function did not answer, or not as it should."""


@dataclass(frozen=True)
class Function:
    """A function and the events for it."""

    name: str
    handler: str
    event: Callable[[int], Mapping[str, Any]]
    """Makes the event of a round: work that was not done before."""
    answered: Callable[[Any], bool]
    packages: Path
    """A folder with the packages that the function's image holds."""


@dataclass
class Start:
    """What one start took, in seconds."""

    wall: float
    processor: float


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and tell by the exit status whether the bound was kept."""
    parser = argparse.ArgumentParser(prog="python -m bench.cold_start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=16)
    rounds: int = parser.parse_args(arguments).rounds
    with tempfile.TemporaryDirectory() as temporary, embedded_aws(Path(temporary)) as aws:
        functions = _functions(aws, Path(temporary))
        starts: dict[str, list[Start]] = {function.name: [] for function in functions}
        try:
            for number in range(_WARM_UP + rounds):
                # Each is first in its turn: who follows the largest process finds the machine still cleaning up.
                first = number % len(functions)
                for function in (*functions[first:], *functions[:first]):
                    start = _start(function, _environment(aws), number)
                    if number >= _WARM_UP:
                        starts[function.name].append(start)
        except BenchError as error:
            sys.stderr.write(f"{error}\n")
            return 1
    return 0 if show(starts) else 1


def show(starts: Mapping[str, Sequence[Start]]) -> bool:
    """Print the table; tell whether every function but the last, which is the one beside them, kept the bound."""
    *ours, peer = starts
    base = statistics.median(start.wall for start in starts[peer])
    table = Table(
        title=f"Process start to first answer, median of {len(starts[peer])}, {psutil.cpu_count()} processors"
    )
    for column in ("", "ms", "processor, ms", "part", "bound"):
        table.add_column(column, justify="left" if not column else "right")
    kept = True
    for name, found in starts.items():
        wall = statistics.median(start.wall for start in found)
        processor = statistics.median(start.processor for start in found)
        part = wall / base
        bounded = name in ours
        kept = kept and (not bounded or part <= MOST)
        table.add_row(
            name, f"{wall * 1e3:.0f}", f"{processor * 1e3:.0f}", f"{part:.2f}", f"{MOST:.2f}" if bounded else ""
        )
    Console().print(table)
    return kept


def _functions(aws: Embedded, temporary: Path) -> Sequence[Function]:
    table, outbox = aws.table("checkout"), aws.table("checkout-outbox")
    aws.table("idempotency", partition="id", sort=None)
    clock = SystemClock()
    store = DynamoDbStore(aws.dynamodb, table=table, outbox=outbox, region=REGION, regions=REGIONS, clock=clock)
    ports = Ports(store=store, clock=clock, sleep=time.sleep, region=REGION, regions=REGIONS)
    cause = Cause(id="bench", correlation_id="bench", acceptance=Acceptance.SYNCHRONOUS)
    set_price(ports, SetPrice(sku=_SKU, price=Money(1999, "USD"), version=1), cause)
    set_allotment(ports, SetAllotment(sku=_SKU, units=100_000, version=1), cause)

    wallet = DepositToWallet(customer_id=_CUSTOMER, idempotency_key="opening", amount=Money(100_000_000, "USD"))
    deposit_to_wallet(ports, wallet, cause)
    machine = _state_machine(aws)

    def placed(key: str) -> Checkout:
        command = PlaceOrder(customer_id=_CUSTOMER, idempotency_key=key, lines=(RequestedLine(_SKU, 1),))
        result = place_order(ports, command, cause)
        if not isinstance(result, Placed):
            message = f"the order {key} was not placed: {result}"
            raise BenchError(message)
        return Checkout(order_id=result.order.id, customer_id=_CUSTOMER)

    def begin(number: int) -> Mapping[str, Any]:
        return _queue_event(placed(f"starter-{number}"))

    def debit(number: int) -> Mapping[str, Any]:
        checkout = placed(f"steps-{number}")
        steps.reserve(ports, checkout)
        return {"step": "debit", "orderId": checkout.order_id, "customerId": _CUSTOMER}

    def begun(answer: Any) -> bool:
        # An execution is started where nothing could be reserved, too: then there are fewer reservations than that.
        executions = aws.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
        held = all(store.order(execution["name"]).reservation is not None for execution in executions)
        return answer == {"batchItemFailures": []} and bool(executions) and held

    image = _linked(temporary / "image", _locked())
    with_usual_libraries = _linked(temporary / "usual", [*_locked(), *_PEERS_PACKAGES])
    entrypoints = "workloads.checkout.entrypoints"
    return (
        Function(
            "checkout-saga-starter, reserve and start",
            f"{entrypoints}.saga_starter.handler",
            begin,
            begun,
            image,
        ),
        Function(
            "checkout-saga-steps, debit",
            f"{entrypoints}.saga_steps.handler",
            debit,
            lambda answer: answer["outcome"] == "Debited",
            image,
        ),
        Function(
            "checkout-api, POST /v1/orders",
            f"{entrypoints}.api.handler",
            _order_request,
            lambda answer: answer["statusCode"] == 201,
            image,
        ),
        Function(
            "boto3, powertools idempotency, pydantic",
            "bench.cold_start_peer.handler",
            lambda number: {
                "customer_id": _CUSTOMER,
                "key": f"peer-{number}",
                "lines": [{"sku": _SKU, "quantity": 1}],
            },
            lambda answer: "order_id" in answer,
            with_usual_libraries,
        ),
    )


def _state_machine(aws: Embedded) -> str:
    """Make a state machine that does nothing; return its ARN."""
    definition = {"StartAt": "Nothing", "States": {"Nothing": {"Type": "Pass", "End": True}}}
    made = aws.client("stepfunctions").create_state_machine(
        name=_SAGA, definition=json.dumps(definition), roleArn="arn:aws:iam::000000000000:role/bench"
    )
    return str(made["stateMachineArn"])


def _queue_event(checkout: Checkout) -> Mapping[str, Any]:
    """Return the event of a batch of one message, as Lambda reads it off the queue of orders."""
    body = json.dumps({"orderId": checkout.order_id, "customerId": checkout.customer_id})
    return {"Records": [{"messageId": "1", "body": body, "attributes": {"ApproximateReceiveCount": "1"}}]}


def _order_request(number: int) -> Mapping[str, Any]:
    """Return the proxy event of an order, as API Gateway sends it."""
    return {
        "httpMethod": "POST",
        "resource": "/v1/orders",
        "path": "/v1/orders",
        "pathParameters": None,
        "queryStringParameters": None,
        "headers": {"Idempotency-Key": f"api-{number}", "Content-Type": "application/json"},
        "body": json.dumps({"lines": [{"sku": _SKU, "quantity": 1}]}),
        "isBase64Encoded": False,
        "requestContext": {
            "requestId": f"request-{number}",
            "authorizer": {"principalType": "customer", "customerId": _CUSTOMER, "clientId": "web", "scopes": ""},
        },
    }


def _environment(aws: Embedded) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "CHECKOUT_TABLE": "checkout",
        "CHECKOUT_OUTBOX_TABLE": "checkout-outbox",
        "EVENT_BUS": "meridian",
        "HOT_ITEM_CARE_QUEUE_URL": f"{aws.url}/000000000000/care",
        "HOT_ITEM_QUEUE_URLS": f"{aws.url}/000000000000/tokens-0",
        "LONGEST_SAGA_WAIT": "60",
        "RESERVATION_MINUTES": "15",
        "ORDERS_PER_MINUTE": "300",
        "ORDER_BURST": "50",
        "SAGA_STARTS_PER_SECOND": "300",
        "SAGA_STATE_MACHINE_ARN": f"arn:aws:states:{REGION}:000000000000:stateMachine:{_SAGA}",
        "SAGA_START_QUEUE_URL": f"{aws.url}/000000000000/saga-start",
        "IDEMPOTENCY_TABLE": "idempotency",
        "MERIDIAN_REGIONS": ",".join(REGIONS),
        "PROBLEM_BASE": "https://shop.example/problems",
        "PYTHONUNBUFFERED": "1",
    }


def _start(function: Function, environment: Mapping[str, str], number: int) -> Start:
    """Start the function's process, let it answer one event, and end it."""
    with runtime_api(dict(function.event(number))) as api:
        began = time.perf_counter()
        # Without `site`: the environment of the tests has packages and hooks that no image has.
        process = subprocess.Popen(
            [sys.executable, "-S", "-m", "awslambdaric", function.handler],
            env={
                **environment,
                "AWS_LAMBDA_RUNTIME_API": api.address,
                "PYTHONPATH": f"{ROOT}{os.pathsep}{function.packages}",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        answered = api.answered.wait(PATIENCE)
        wall = time.perf_counter() - began
        try:
            times = psutil.Process(process.pid).cpu_times()
            processor = times.user + times.system
        except psutil.NoSuchProcess:
            processor = 0.0
        process.kill()
        output, _ = process.communicate()
    if not answered or api.outcome != "response" or not function.answered(api.answer):
        message = f"{function.name} answered {api.outcome or 'nothing'}: {api.answer}\n{output[-2000:]}"
        raise BenchError(message)
    return Start(wall, processor)


def _locked() -> Sequence[str]:
    """Return the packages of the image, by name."""
    names = re.findall(r"^([a-z0-9-]+)==", _LOCK.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [name for name in names if name != "pycparser"]


def _linked(folder: Path, packages: Iterable[str]) -> Path:
    """Make a folder that holds these packages only, as links into this environment."""
    folder.mkdir()
    for package in packages:
        distribution = metadata.distribution(package)
        for top in {file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "__pycache__")}:
            target = Path(str(distribution.locate_file(top)))
            link = folder / top
            if not link.exists():
                link.symlink_to(target)
    return folder


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
