"""The entry APIs of the Regions as the demo uses them: plain HTTP, so many requests at a time, each of them timed."""

import asyncio
import math
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final, TypeVar

import aiohttp
import msgspec

from local.demo.orders import CURRENCY
from local.demo.plan import Line
from local.errors import UserFacingError
from workloads.contracts.money import Money

CONCURRENCY: Final = 16
ATTEMPTS: Final = 8
"""How often one request is sent while the answer is that it should be sent again."""
WAIT_SECONDS: Final = 10
"""The longest wait that `Prefer` may ask for."""
_ANSWER_SECONDS: Final = 30.0
_ASK_AGAIN: Final = frozenset({409, 429, 503, 504})
"""Undecided, throttled, not taken on, no answer in time: the contract is that the same request may be sent again."""
_CONFLICT: Final = 409
SOLD_OUT: Final = "sold-out"
ALREADY_COMPLETED: Final = "already-completed"
_DECIDED: Final = frozenset({SOLD_OUT, ALREADY_COMPLETED})
"""Conflicts that stay."""

T = TypeVar("T")


class UnexpectedReplyError(UserFacingError):
    """An API answered what the demo has no use for."""

    def __init__(self, reply: "Reply", expected: str) -> None:
        super().__init__(
            f"{reply.operation} in {reply.region} answered {reply.status}, expected {expected}: "
            f"{reply.body[:500].decode(errors='replace')}"
        )
        self.reply = reply


class LineDocument(msgspec.Struct, frozen=True, rename="camel"):
    """A line of an order as an API shows it."""

    sku: str
    quantity: int
    unit_price: Money


class OrderDocument(msgspec.Struct, frozen=True, rename="camel"):
    """An order as an API shows it; a Single View shows it without its lines."""

    order_id: str
    state: str
    customer_id: str = ""
    total: Money | None = None
    lines: tuple[LineDocument, ...] = ()
    reason: str | None = None


class HandedOverDocument(msgspec.Struct, frozen=True, rename="camel"):
    """What an order's document says of a wish that another Region than its home has passed on."""

    command_id: str | None = None


class DepositDocument(msgspec.Struct, frozen=True, rename="camel"):
    """A deposit as an API shows it."""

    deposit_id: str
    state: str
    amount: Money | None = None


class WalletPart(msgspec.Struct, frozen=True, rename="camel"):
    """The wallet within a Single View."""

    balance: Money


class PointsPart(msgspec.Struct, frozen=True, rename="camel"):
    """The points within a Single View."""

    balance: int


class ViewDocument(msgspec.Struct, frozen=True, rename="camel"):
    """A customer's Single View as an API shows it."""

    customer_id: str
    wallet: WalletPart | None = None
    points: PointsPart | None = None
    orders: tuple[OrderDocument, ...] = ()


class CommandDocument(msgspec.Struct, frozen=True, rename="camel"):
    """What became of a command."""

    command_id: str
    outcome: str
    location: str | None = None
    problem: dict[str, object] | None = None


class CommandAccepted(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to a command that the bus took."""

    command_id: str


class _Problem(msgspec.Struct, frozen=True):
    """Why a request was refused, as far as the demo looks at it."""

    type: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    region: str
    operation: str
    status: int
    location: str
    body: bytes
    headers: Mapping[str, str] = field(repr=False)

    @property
    def problem(self) -> str:
        """Return the kind of problem that a conflict is about, the last part of its type; none in other answers."""
        return self.read(_Problem, _CONFLICT).type.rsplit("/", 1)[-1] if self.status == _CONFLICT else ""

    @property
    def sold_out(self) -> bool:
        """Tell whether the entry turned an order away because the customer's home has sold it out."""
        return self.problem == SOLD_OUT

    @property
    def ask_again(self) -> bool:
        """Tell whether the same request may be sent again."""
        return self.status in _ASK_AGAIN and self.problem not in _DECIDED

    def read(self, expected: type[T], *statuses: int) -> T:
        """Decode the body; raises UnexpectedReplyError unless the status is one of those expected."""
        if self.status not in statuses:
            raise UnexpectedReplyError(self, " or ".join(str(status) for status in statuses))
        try:
            return msgspec.json.decode(self.body, type=expected)
        except msgspec.MsgspecError as error:
            raise UnexpectedReplyError(self, f"{expected.__name__} ({error})") from error


class Stopwatch:
    """Collects how long requests took, by operation; a wait that was asked for is an operation of its own."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)

    def add(self, operation: str, seconds: float) -> None:
        """Note one exchange."""
        self.seconds[operation].append(seconds)

    def percentile(self, operation: str, percent: int) -> float:
        """Return the smallest time that so many percent of the exchanges did not exceed (nearest rank)."""
        ordered = sorted(self.seconds[operation])
        return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


class EntryApi:
    """The entry API of one Region."""

    def __init__(
        self, *, region: str, client: aiohttp.ClientSession, slots: asyncio.Semaphore, stopwatch: Stopwatch
    ) -> None:
        self.region = region
        self._client = client
        self._slots = slots
        self._stopwatch = stopwatch

    async def place_order(self, token: str, *, key: str, lines: Sequence[Line], wait: int | None = None) -> Reply:
        """Place an order; with `wait`, ask for the answer at its end."""
        prefer = {} if wait is None else {"Prefer": f"wait={wait}"}
        return await self._send(
            "place order" if wait is None else "place order and wait",
            "POST",
            "/v1/orders",
            token,
            headers={"Idempotency-Key": key, **prefer},
            body=_order_body(lines),
        )

    async def command_order(self, token: str, *, key: str, lines: Sequence[Line]) -> Reply:
        """Send the same as an asynchronous command."""
        return await self._send(
            "command an order",
            "POST",
            "/v1/commands/place-order",
            token,
            headers={"Idempotency-Key": key},
            body=_order_body(lines),
        )

    async def cancel_order(self, token: str, *, location: str) -> Reply:
        """Call an order off."""
        return await self._send("cancel an order", "POST", f"{location}/cancellation", token)

    async def refund_order(self, token: str, *, location: str) -> Reply:
        """Take a purchase back, as an operator."""
        order_id = location.rsplit("/", 1)[-1]
        return await self._send(
            "refund an order",
            "POST",
            "/v1/operations/refund",
            token,
            headers={"Idempotency-Key": f"refund-{order_id}"},
            body={"orderId": order_id, "reason": "the customer changed their mind too late"},
        )

    async def deposit(self, token: str, *, key: str, customer_id: str, cents: int) -> Reply:
        """Add money to a wallet."""
        return await self._send(
            "deposit",
            "POST",
            f"/v1/wallets/{customer_id}/deposits",
            token,
            headers={"Idempotency-Key": key},
            body={"amount": _money(cents)},
        )

    async def set_price(self, token: str, *, sku: str, cents: int) -> Reply:
        """Set a list price."""
        body = {"sku": sku, "price": _money(cents), "version": 1}
        return await self._send("set a price", "POST", "/v1/commands/set-price", token, body=body)

    async def set_allotment(self, token: str, *, sku: str, units: int) -> Reply:
        """Set how many units this Region may sell."""
        body = {"sku": sku, "units": units, "version": 1}
        return await self._send("set an allotment", "POST", "/v1/commands/set-allotment", token, body=body)

    async def sell_hot(self, token: str, *, sku: str) -> Reply:
        """Have this Region sell a title by tokens."""
        body = {"sku": sku, "mode": "Hot", "version": 1}
        return await self._send("set a selling mode", "POST", "/v1/commands/set-selling-mode", token, body=body)

    async def read(self, operation: str, path: str, token: str) -> Reply:
        """Read what a Location or a path names."""
        return await self._send(operation, "GET", path, token)

    async def _send(
        self,
        operation: str,
        method: str,
        path: str,
        token: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: object = None,
    ) -> Reply:
        """Send a request, again while the answer says so, with the same key of course."""
        content = None if body is None else msgspec.json.encode(body)
        sent = {"Authorization": f"Bearer {token}", **(headers or {})}
        if content is not None:
            sent["Content-Type"] = "application/json"
        reply = await self._exchange(operation, method, path, sent, content)
        for _ in range(ATTEMPTS - 1):
            if not reply.ask_again:
                break
            await asyncio.sleep(float(reply.headers.get("Retry-After", "1")))
            reply = await self._exchange(operation, method, path, sent, content)
        return reply

    async def _exchange(
        self, operation: str, method: str, path: str, headers: Mapping[str, str], content: bytes | None
    ) -> Reply:
        async with self._slots:
            began = perf_counter()
            async with self._client.request(method, path, headers=headers, data=content) as answer:
                body = await answer.read()
            self._stopwatch.add(operation, perf_counter() - began)
        return Reply(
            region=self.region,
            operation=operation,
            status=answer.status,
            location=answer.headers.get("Location", ""),
            body=body,
            headers=answer.headers,
        )


@asynccontextmanager
async def entry_apis(urls: Mapping[str, str], stopwatch: Stopwatch) -> AsyncGenerator[dict[str, EntryApi]]:
    """Open a client for each Region; all of them share one bound on the requests under way."""
    slots = asyncio.Semaphore(CONCURRENCY)
    async with AsyncExitStack() as opened:
        apis: dict[str, EntryApi] = {}
        for region, url in urls.items():
            session = aiohttp.ClientSession(base_url=url, timeout=aiohttp.ClientTimeout(total=_ANSWER_SECONDS))
            client = await opened.enter_async_context(session)
            apis[region] = EntryApi(region=region, client=client, slots=slots, stopwatch=stopwatch)
        yield apis


def _order_body(lines: Sequence[Line]) -> object:
    return {"lines": [{"sku": line.sku, "quantity": line.quantity} for line in lines]}


def _money(cents: int) -> object:
    return {"minorUnits": cents, "currency": CURRENCY}
