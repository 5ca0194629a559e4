"""Every request that must be refused, over HTTP: a clear 4xx as a problem document, and nothing written anywhere."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import httpx
import pytest

from tests.local.end_to_end import tokens
from tests.local.end_to_end.shop import Customer, Items, Shop, eventually, lines, money

PLACE_ORDER: Final = "/v1/orders"
COMMAND_ORDER: Final = "/v1/commands/place-order"
SET_PRICE: Final = "/v1/commands/set-price"
SET_ALLOTMENT: Final = "/v1/commands/set-allotment"
DEPOSIT: Final = "/v1/wallets/{customer}/deposits"
BOTH_ORDERS: Final = (PLACE_ORDER, COMMAND_ORDER)
SYSTEM_ONLY: Final = (DEPOSIT, SET_PRICE, SET_ALLOTMENT)
WITH_KEY: Final = (*BOTH_ORDERS, DEPOSIT)
EVERY_WRITE: Final = (*BOTH_ORDERS, *SYSTEM_ONLY)


@dataclass(frozen=True)
class Request:
    """A request that would be carried out, before one thing about it is made wrong."""

    path: str
    headers: dict[str, str]
    body: Any = None
    content: bytes | None = None
    method: str = "POST"

    def with_header(self, name: str, value: str) -> Request:
        return replace(self, headers={**self.headers, name: value})

    def without_header(self, name: str) -> Request:
        return replace(self, headers={key: value for key, value in self.headers.items() if key != name})

    def with_token(self, token: str) -> Request:
        return self.with_header("Authorization", f"Bearer {token}")


@dataclass(frozen=True)
class Scene:
    """What the requests are about."""

    shop: Shop
    customer: Customer
    other: Customer
    sku: str
    others_order: str
    region: str = field(init=False)
    markers: set[str] = field(default_factory=set[str])
    """Partition keys that `settled_items` has written itself."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "region", self.shop.regions[0])

    def good(self, operation: str) -> Request:
        """Return a request of an operation that would be carried out."""
        system = operation in SYSTEM_ONLY
        token = self.shop.system(self.region) if system else self.customer.token
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        if operation in WITH_KEY:
            headers["Idempotency-Key"] = self.shop.unique("bad")
        bodies: Mapping[str, Any] = {
            DEPOSIT: {"amount": money(100)},
            SET_PRICE: {"sku": self.sku, "price": money(777), "version": 99},
            SET_ALLOTMENT: {"sku": self.sku, "units": 777, "version": 99},
        }
        path = operation.format(customer=self.customer.id)
        return Request(path=path, headers=headers, body=bodies.get(operation, lines(self.sku)))

    def send(self, request: Request) -> httpx.Response:
        """Send it as it is."""
        content = json.dumps(request.body).encode() if request.content is None and request.body else request.content
        return self.shop.clients[self.region].request(
            request.method, request.path, headers=request.headers, content=content
        )


@dataclass(frozen=True)
class Wrong:
    """One way to be wrong."""

    name: str
    operations: tuple[str, ...]
    make: Callable[[Scene, Request], Request]
    status: int


def _header(name: str, value: str) -> Callable[[Scene, Request], Request]:
    return lambda _, request: request.with_header(name, value)


def _without(name: str) -> Callable[[Scene, Request], Request]:
    return lambda _, request: request.without_header(name)


def _content(content: bytes) -> Callable[[Scene, Request], Request]:
    return lambda _, request: replace(request, content=content)


def _body(**fields: Any) -> Callable[[Scene, Request], Request]:
    return lambda _, request: replace(request, body={**request.body, **fields})


def _line(**fields: Any) -> Callable[[Scene, Request], Request]:
    return lambda scene, request: replace(request, body={"lines": [{"sku": scene.sku, "quantity": 1, **fields}]})


def _only(body: Any) -> Callable[[Scene, Request], Request]:
    return lambda _, request: replace(request, body=body)


def _token(make: Callable[[Scene], str]) -> Callable[[Scene, Request], Request]:
    return lambda scene, request: request.with_token(make(scene))


def _padded(size: int) -> Callable[[Scene, Request], Request]:
    """Make a valid body longer than so many bytes."""
    return lambda _, request: replace(request, content=json.dumps(request.body).encode() + b" " * size)


WRONGS: Final = (
    Wrong("no token", EVERY_WRITE, _without("Authorization"), 401),
    Wrong("garbage token", EVERY_WRITE, _header("Authorization", "Bearer garbage"), 401),
    Wrong("garbage in three parts", EVERY_WRITE, _header("Authorization", "Bearer e30.e30.e30"), 401),
    Wrong("another scheme", BOTH_ORDERS, _header("Authorization", "Basic Y3VzdG9tZXI6c2VjcmV0"), 401),
    Wrong("signed by another key", BOTH_ORDERS, _token(lambda s: tokens.signed_by_another_key(s.customer.token)), 401),
    Wrong("unsigned", BOTH_ORDERS, _token(lambda s: tokens.unsigned(s.customer.token)), 401),
    Wrong("tampered", BOTH_ORDERS, _token(lambda s: tokens.tampered(s.customer.token, username=s.other.id)), 401),
    Wrong("of another pool", BOTH_ORDERS, _token(lambda s: tokens.of_another_pool(s.shop, s.customer)), 401),
    Wrong("of another client", BOTH_ORDERS, _token(lambda s: tokens.of_another_client(s.shop, s.customer)), 401),
    Wrong("id token", BOTH_ORDERS, _token(lambda s: s.customer.id_token), 401),
    Wrong("expired token", BOTH_ORDERS, _token(lambda s: tokens.expired(s.shop, s.customer)), 401),
    Wrong("customer as system of record", SYSTEM_ONLY, _token(lambda s: s.customer.token), 403),
    Wrong("system of record as customer", BOTH_ORDERS, _token(lambda s: s.shop.system(s.region)), 403),
    Wrong("malformed JSON", EVERY_WRITE, _content(b'{"lines": [{"sku"'), 400),
    Wrong("not UTF-8", EVERY_WRITE, _content(b'{"lines": "\xff\xfe"}'), 400),
    Wrong("no body", EVERY_WRITE, _content(b""), 400),
    Wrong("a list", EVERY_WRITE, _content(b"[]"), 400),
    Wrong("unknown field", EVERY_WRITE, _body(discount=100), 400),
    Wrong("unknown field in a line", BOTH_ORDERS, _line(unitPrice=money(1)), 400),
    Wrong("another customer's id in the body", BOTH_ORDERS, _body(customerId="us-east-1.c-1"), 400),
    Wrong("no lines", BOTH_ORDERS, _only({"lines": []}), 400),
    Wrong("too many lines", BOTH_ORDERS, _only({"lines": lines("x")["lines"] * 21}), 400),
    Wrong("lines of the wrong type", BOTH_ORDERS, _only({"lines": "all"}), 400),
    Wrong("quantity as text", BOTH_ORDERS, _line(quantity="1"), 400),
    Wrong("quantity as a fraction", BOTH_ORDERS, _line(quantity=1.5), 400),
    Wrong("quantity as a truth value", BOTH_ORDERS, _line(quantity=True), 400),
    Wrong("quantity of null", BOTH_ORDERS, _line(quantity=None), 400),
    Wrong("negative quantity", BOTH_ORDERS, _line(quantity=-1), 400),
    Wrong("quantity of zero", BOTH_ORDERS, _line(quantity=0), 400),
    Wrong("quantity beyond bounds", BOTH_ORDERS, _line(quantity=10**30), 400),
    Wrong("SKU of forbidden characters", BOTH_ORDERS, _line(sku='a"}]},"x":"'), 400),
    Wrong("SKU of the wrong type", BOTH_ORDERS, _line(sku=7), 400),
    Wrong("SKU that is too long", BOTH_ORDERS, _line(sku="x" * 65), 400),
    Wrong("negative deposit", (DEPOSIT,), _only({"amount": money(-1)}), 400),
    Wrong("deposit of nothing", (DEPOSIT,), _only({"amount": money(0)}), 400),
    Wrong("deposit of a fraction", (DEPOSIT,), _only({"amount": {"minorUnits": 0.5, "currency": "USD"}}), 400),
    Wrong("deposit as text", (DEPOSIT,), _only({"amount": {"minorUnits": "100", "currency": "USD"}}), 400),
    Wrong("deposit without a currency", (DEPOSIT,), _only({"amount": {"minorUnits": 100}}), 400),
    Wrong("deposit in no currency", (DEPOSIT,), _only({"amount": {"minorUnits": 1, "currency": "dollars"}}), 400),
    Wrong("deposit beyond bounds", (DEPOSIT,), _only({"amount": money(10**16)}), 400),
    Wrong("negative price", (SET_PRICE,), _body(price=money(-1)), 400),
    Wrong("negative allotment", (SET_ALLOTMENT,), _body(units=-1), 400),
    Wrong("version of zero", (SET_PRICE, SET_ALLOTMENT), _body(version=0), 400),
    Wrong("version as text", (SET_PRICE, SET_ALLOTMENT), _body(version="1"), 400),
    Wrong("unknown SKU", (PLACE_ORDER,), _only(lines("no-such-title")), 422),
    Wrong("body beyond what is read", (PLACE_ORDER, DEPOSIT), _padded(16 * 1024), 413),
    Wrong("body beyond what the gateway takes", EVERY_WRITE, _padded(10 * 1024 * 1024), 413),
    Wrong("command of a thousand lines", (COMMAND_ORDER,), _only({"lines": lines("x")["lines"] * 1_000}), 400),
    Wrong("no Idempotency-Key", WITH_KEY, _without("Idempotency-Key"), 400),
    Wrong("key of forbidden characters", WITH_KEY, _header("Idempotency-Key", "no spaces, please"), 400),
    Wrong("key that is too long", WITH_KEY, _header("Idempotency-Key", "k" * 129), 400),
    Wrong("wrong media type", EVERY_WRITE, _header("Content-Type", "text/plain"), 415),
    Wrong("another path", (PLACE_ORDER,), lambda _, request: replace(request, path="/v1/order"), 404),
    Wrong("another method", (PLACE_ORDER,), lambda _, request: replace(request, method="PUT"), 404),
)

CASES: Final = [
    pytest.param(wrong, operation, id=f"{wrong.name}: {operation}")
    for wrong in WRONGS
    for operation in wrong.operations
]


@pytest.fixture(scope="module")
def scene(shop: Shop) -> Scene:
    home = shop.regions[0]
    customer, other = shop.customer(home, cents=10_000), shop.customer(home, cents=10_000)
    sku = shop.title(cents=100, units=100)
    order = shop.order(other, sku)
    shop.ended(other, order.headers["Location"])
    shop.view(other, home, lambda view: bool(view.get("points")))
    eventually_quiet(shop)
    return Scene(shop, customer, other, sku, order.headers["Location"])


@pytest.mark.parametrize(("wrong", "operation"), CASES)
def test_a_bad_request_is_refused_and_writes_nothing(scene: Scene, wrong: Wrong, operation: str) -> None:
    request = wrong.make(scene, scene.good(operation))
    before = settled_items(scene)

    answer = scene.send(request)

    assert answer.status_code == wrong.status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"].startswith("https://")
    assert problem["title"]
    assert problem["detail"]
    assert problem.get("status", wrong.status) == wrong.status
    assert settled_items(scene) == before


@pytest.mark.parametrize("operation", EVERY_WRITE)
def test_the_request_that_the_bad_ones_are_made_of_is_carried_out(scene: Scene, operation: str) -> None:
    """Or else all of them could be refused for a reason that no test means."""
    before = settled_items(scene)

    answer = scene.send(scene.good(operation))

    assert answer.status_code in {201, 202}, answer.text
    assert settled_items(scene) != before


@pytest.mark.parametrize("region", [0, 1])
def test_another_customers_order_does_not_exist(scene: Scene, region: int) -> None:
    shop = scene.shop

    answer = shop.get(shop.regions[region], scene.others_order, scene.customer.token)

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert shop.get(shop.regions[region], scene.others_order, scene.other.token).status_code == 200


def test_another_customers_view_is_forbidden(scene: Scene) -> None:
    answer = scene.shop.get(scene.region, f"/v1/customers/{scene.other.id}/view", scene.customer.token)

    assert answer.status_code == 403
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_another_customers_deposit_does_not_exist(scene: Scene) -> None:
    location = scene.shop.deposit(scene.other, 100).headers["Location"]

    assert scene.shop.get(scene.region, location, scene.customer.token).status_code in {403, 404}
    assert scene.shop.get(scene.region, location, scene.other.token).status_code == 200


@pytest.mark.parametrize("path", ["/v1/orders/o-" + "0" * 40, "/v1/commands/none", "/v1/customers/us-east-1.c-1/view"])
def test_a_query_without_a_token_is_unauthorized(scene: Scene, path: str) -> None:
    answer = scene.shop.clients[scene.region].get(path)

    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"


def settled_items(scene: Scene) -> Items:
    """Return all items once a command sent after everything else has come through, less what that command wrote.

    The marker goes the whole asynchronous way: had the request put anything on the bus, it would be written by then.
    """
    shop = scene.shop
    sku = shop.unique("marker")
    location = shop.command(scene.region, "set-price", {"sku": sku, "price": money(1), "version": 1})
    shop.outcome(scene.region, location, shop.system(scene.region))
    own = {f"PRICE#{sku}", f"COMMAND#{location.rsplit('/', 1)[-1]}"}
    scene.markers.update(own)
    return {key: item for key, item in shop.items().items() if key[2] not in scene.markers}


def eventually_quiet(shop: Shop) -> None:
    """Wait until what earlier tests have caused is written: nothing has changed for two seconds."""
    seen, since = shop.items(), time.monotonic()

    def look() -> float:
        nonlocal seen, since
        now = shop.items()
        if now != seen:
            seen, since = now, time.monotonic()
        return time.monotonic() - since

    eventually(look, lambda quiet: quiet > 2.0)
