"""Checkout as one of two releases runs it: what both understand goes in and out, never a value of theirs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import msgspec

from tests.workloads.regions import HERE, REGIONS

Find = Callable[[str], ModuleType]


class Clock:
    """A clock that both releases read."""

    def __init__(self) -> None:
        self._moment = datetime(2026, 11, 30, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the time, a little later at every call."""
        self._moment += timedelta(milliseconds=1)
        return self._moment


class Checkout:
    """One release's functions in one Region, on tables that both share."""

    def __init__(
        self,
        find: Find,
        alone: Callable[[], AbstractContextManager[None]],
        *,
        client: object,
        table: str,
        outbox: str,
        clock: Clock,
    ) -> None:
        self._find = find
        self._alone = alone
        store = find("workloads.checkout.adapters.dynamodb").DynamoDbStore(
            client, table=table, outbox=outbox, region=HERE, regions=REGIONS, clock=clock
        )
        self._ports = find("workloads.checkout.application.ports").Ports(
            store=store, clock=clock, sleep=_never, region=HERE, regions=REGIONS
        )

    def receive(self, kind: str, data: Mapping[str, Any], *, command_id: str) -> None:
        """Carry out a command as it comes from the bus."""
        detail = {
            "specversion": "1.0",
            "id": command_id,
            "source": "meridian.entry-api",
            "type": kind,
            "dataschema": f"urn:meridian:schema:{kind}:1",
            "datacontenttype": "application/json",
            "subject": "anything",
            "originregion": HERE,
            "destinationregion": HERE,
            "correlationid": command_id,
            "causationid": command_id,
            "data": data,
        }
        body = json.dumps({"time": "2026-11-30T00:00:00Z", "detail": detail})
        commands = self._find("workloads.checkout.entrypoints.commands")
        with self._alone():
            commands.receive(self._ports, body)

    def step(self, step: str, order_id: str, customer_id: str) -> str:
        """Carry out a step of an order's saga; return its outcome."""
        steps = self._find("workloads.checkout.entrypoints.saga_steps")
        payload = {"step": step, "orderId": order_id, "customerId": customer_id}
        with self._alone():
            return steps.carry_out(self._ports, msgspec.convert(payload, steps.StepRequest)).value

    def begin(self, order_id: str, customer_id: str, sagas: object) -> None:
        """Take an order from the queue of saga starts, as the present release's starter does."""
        starter = self._find("workloads.checkout.entrypoints.saga_starter")
        messages = self._find("workloads.checkout.entrypoints.saga_messages")
        with self._alone():
            starter.begin(self._ports, sagas, messages.SagaStart(order_id=order_id, customer_id=customer_id))

    def read(self, item: Mapping[str, Any]) -> Any:
        """Read an item as this release's store does, and return plain data; None for a kind that it never reads."""
        items = self._find("workloads.checkout.adapters.items")
        kind, _, identifier = item["pk"].partition("#")
        with self._alone():
            match kind, item["sk"].split("#")[:2]:
                case "ORDER", ["ORDER"]:
                    found = items.read_order(item)
                case "ORDER", ["RESERVATION"]:
                    found = items.read_reservation(item)
                case (("ORDER" | "DEPOSIT"), ["HANDOVER", _]):
                    found = items.read_handover(item)
                case "WALLET", ["WALLET"]:
                    found = items.read_wallet(identifier, item)
                case "WALLET", ["ENTRY", "DEBIT"]:
                    found = items.read_payment(item)
                case "WALLET", ["ENTRY", "DEPOSIT"]:
                    found = items.read_deposit(item)
                case "PRICE", _:
                    found = items.read_price(item)
                case "ALLOTMENT", _:
                    found = items.read_allotment(item)
                case "COMMAND", _:
                    found = items.read_command(item)
                case _:
                    return None
            return msgspec.to_builtins(found)

    def open(self, event: bytes | str) -> Any:
        """Read an event and return its payload as plain data."""
        envelope = self._find("workloads.contracts.envelope")
        with self._alone():
            return msgspec.to_builtins(envelope.open_message(envelope.decode(event)))

    @property
    def knows(self) -> frozenset[str]:
        """Return the types of messages that this release reads."""
        return frozenset(self._find("workloads.contracts.envelope").MESSAGES)


def _never(_seconds: float) -> None:
    message = "nobody writes at the same time: there is nothing to wait for"
    raise AssertionError(message)
