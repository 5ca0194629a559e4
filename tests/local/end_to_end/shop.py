"""A shopkeeper and customers who talk to the entry APIs of a laptop that is up, and who can look into its tables."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import boto3
import httpx

from local.demo.accounts import Accounts
from local.deployment import TEST_CREDENTIALS, Deployment

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

PATIENCE: Final = 20.0
TABLES: Final = ("checkout", "checkout-outbox", "loyalty-events", "single-view")
TERMINAL: Final = ("Completed", "Rejected", "Cancelled", "Refunded")
T = TypeVar("T")

Items = dict[tuple[str, str, str, str], Mapping[str, Any]]
"""Items of all tables by (Region, table, pk, sk)."""


class NeverHappenedError(AssertionError):
    """A condition did not come true in time."""


def eventually(look: Callable[[], T], accepted: Callable[[T], bool], *, seconds: float = PATIENCE) -> T:
    """Look until what is seen is accepted; fail with what was seen last."""
    deadline = time.monotonic() + seconds
    while not accepted(seen := look()):
        if time.monotonic() > deadline:
            message = f"not within {seconds} s; last seen: {seen!r}"
            raise NeverHappenedError(message)
        time.sleep(0.05)
    return seen


@dataclass(frozen=True)
class Customer:
    """A customer who has signed in."""

    id: str
    home: str
    token: str
    id_token: str


@dataclass
class Shop:
    """The entry APIs of all Regions, and who calls them."""

    deployment: Deployment
    accounts: Accounts = field(init=False)
    clients: dict[str, httpx.Client] = field(init=False)

    def __post_init__(self) -> None:
        self.accounts = Accounts(self.deployment)
        self.clients = {
            region: httpx.Client(base_url=self.deployment.gateways[region].url, timeout=30.0, trust_env=False)
            for region in self.deployment.regions
        }
        self._system_tokens: dict[str, str] = {}
        self._numbers: Iterator[int] = itertools.count(1)

    @property
    def regions(self) -> tuple[str, str]:
        """Return the two Regions."""
        first, second = self.deployment.regions
        return first, second

    def close(self) -> None:
        """Close the connections."""
        for client in self.clients.values():
            client.close()

    def unique(self, prefix: str) -> str:
        """Return a name that no other test uses."""
        return f"{prefix}-{next(self._numbers)}"

    def system(self, region: str) -> str:
        """Return the access token of the system of record."""
        if region not in self._system_tokens:
            self._system_tokens[region] = self.accounts.system_of_record(region)
        return self._system_tokens[region]

    def operator(self, region: str, name: str) -> str:
        """Open an account that runs the shop, and return its access token."""
        self.accounts.open(name, region)
        pool = self.deployment.outputs["global"]["user_pools"][region]["id"]
        self.cognito(region).admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName="operators")
        return self.accounts.sign_in(name, region)["AccessToken"]

    def customer(self, home: str, *, cents: int = 0) -> Customer:
        """Open an account, with money in its wallet if asked for."""
        customer_id = f"{home}.{self.unique('c')}"
        self.accounts.open(customer_id, home)
        tokens = self.accounts.sign_in(customer_id, home)
        customer = Customer(customer_id, home, tokens["AccessToken"], tokens["IdToken"])
        if cents:
            assert self.deposit(customer, cents).status_code == 201
        return customer

    def title(self, *, cents: int, units: int) -> str:
        """Bring a title into the shop of both Regions, and wait until it can be sold."""
        sku = self.unique("title")
        price = {"sku": sku, "price": money(cents), "version": 1}
        sent = [(self.regions[0], self.command(self.regions[0], "set-price", price))]
        for region in self.regions:
            allotment = {"sku": sku, "units": units, "version": 1}
            sent.append((region, self.command(region, "set-allotment", allotment)))
        for region, location in sent:
            outcome = self.outcome(region, location, self.system(region))
            assert outcome["outcome"] == "Accepted", outcome
        return sku

    def command(self, region: str, name: str, body: object) -> str:
        """Send a command of the system of record; return its Location."""
        answer = self.post(region, f"/v1/commands/{name}", self.system(region), body)
        assert answer.status_code == 202, answer.text
        return answer.headers["Location"]

    def outcome(self, region: str, location: str, token: str) -> Mapping[str, Any]:
        """Wait until it is known what became of a command."""
        return eventually(lambda: self.get(region, location, token), lambda answer: answer.status_code == 200).json()

    def deposit(
        self, customer: Customer, cents: int, *, region: str | None = None, key: str | None = None
    ) -> httpx.Response:
        """Add money to a wallet as a system of record."""
        arrival = region or customer.home
        path = f"/v1/wallets/{customer.id}/deposits"
        body = {"amount": money(cents)}
        return self.post(arrival, path, self.system(arrival), body, key=key or self.unique("deposit"))

    def order(
        self,
        customer: Customer,
        sku: str,
        *,
        quantity: int = 1,
        region: str | None = None,
        key: str | None = None,
        wait: int | None = None,
    ) -> httpx.Response:
        """Place an order."""
        headers = {} if wait is None else {"Prefer": f"wait={wait}"}
        return self.post(
            region or customer.home,
            "/v1/orders",
            customer.token,
            lines(sku, quantity),
            key=key or self.unique("order"),
            headers=headers,
        )

    def post(
        self,
        region: str,
        path: str,
        token: str,
        body: object,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send a well-formed request."""
        sent = {"Authorization": f"Bearer {token}", **(headers or {})}
        if key is not None:
            sent["Idempotency-Key"] = key
        return self.clients[region].post(path, json=body, headers=sent)

    def get(self, region: str, path: str, token: str) -> httpx.Response:
        """Read something."""
        return self.clients[region].get(path, headers={"Authorization": f"Bearer {token}"})

    def ended(
        self, customer: Customer, location: str, *, region: str | None = None, seconds: float = PATIENCE
    ) -> Mapping[str, Any]:
        """Wait for an order's end."""

        def look() -> Mapping[str, Any]:
            return self.get(region or customer.home, location, customer.token).json()

        return eventually(look, lambda order: order.get("state") in TERMINAL, seconds=seconds)

    def view(
        self,
        customer: Customer,
        region: str,
        accepted: Callable[[Mapping[str, Any]], bool],
        *,
        seconds: float = PATIENCE,
    ) -> Mapping[str, Any]:
        """Wait until a Region's view of a customer is accepted."""
        path = f"/v1/customers/{customer.id}/view"
        return eventually(lambda: self.get(region, path, customer.token).json(), accepted, seconds=seconds)

    def dynamodb(self, region: str) -> DynamoDBClient:
        """Return a client of the tables."""
        return boto3.client("dynamodb", region_name=region, **self._emulator())

    def cognito(self, region: str) -> CognitoIdentityProviderClient:
        """Return a client of the user pools."""
        return boto3.client("cognito-idp", region_name=region, **self._emulator())

    def cloudwatch(self, region: str) -> CloudWatchClient:
        """Return a client of the metrics."""
        return boto3.client("cloudwatch", region_name=region, **self._emulator())

    def sqs(self, region: str) -> SQSClient:
        """Return a client of the queues."""
        return boto3.client("sqs", region_name=region, **self._emulator())

    def functions(self, region: str) -> LambdaClient:
        """Return a client of the functions."""
        return boto3.client("lambda", region_name=region, **self._emulator())

    def client(self, service: str, region: str) -> Any:
        """Return a client of any other service."""
        return boto3.Session().client(service, region_name=region, **self._emulator())  # pyright: ignore[reportCallIssue, reportArgumentType]

    def table(self, logical: str) -> str:
        """Return the name of a table."""
        return self.deployment.outputs["global"]["tables"][logical]["name"]

    def items(self) -> Items:
        """Return every item of every replicated table of every Region."""
        found: Items = {}
        for region in self.regions:
            client = self.dynamodb(region)
            for logical in TABLES:
                for page in client.get_paginator("scan").paginate(TableName=self.table(logical), ConsistentRead=True):
                    for item in page["Items"]:
                        found[region, logical, item["pk"].get("S", ""), item["sk"].get("S", "")] = item
        return found

    def _emulator(self) -> dict[str, Any]:
        return {
            "endpoint_url": self.deployment.emulator_url,
            "aws_access_key_id": TEST_CREDENTIALS["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": TEST_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        }


def money(cents: int) -> dict[str, Any]:
    """Return an amount as the API writes it."""
    return {"minorUnits": cents, "currency": "USD"}


def lines(sku: str, quantity: int = 1) -> dict[str, Any]:
    """Return the body of an order of one line."""
    return {"lines": [{"sku": sku, "quantity": quantity}]}
