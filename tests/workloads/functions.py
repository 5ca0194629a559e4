"""Loads a function's module as Lambda's INIT phase does: in its own environment, anew for each test that asks."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.workloads.conftest import HERE, Emulator

Handler = Callable[[dict[str, Any], object], dict[str, Any]]


def load_handler(
    monkeypatch: pytest.MonkeyPatch, emulator: Emulator, module: str, *, region: str = HERE, **environment: str
) -> Handler:
    """Return the handler of a module, wired to the embedded AWS and to these settings."""
    for name, value in function_environment(emulator, region, **environment).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, module, raising=False)
    return importlib.import_module(module).handler


def function_environment(emulator: Emulator, region: str, **environment: str) -> dict[str, str]:
    """Return what a workload finds in its environment on the laptop."""
    return {
        "AWS_REGION": region,
        "AWS_ENDPOINT_URL": emulator.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        **environment,
    }


def queue_batch(*bodies: str) -> dict[str, Any]:
    """Return the event of an SQS batch; message ids count from m-0."""
    return {"Records": [queue_record(f"m-{number}", body) for number, body in enumerate(bodies)]}


def queue_record(message_id: str, body: str, *, receives: int = 1) -> dict[str, Any]:
    """Return one message of an SQS batch, as far as it is read here."""
    return {"messageId": message_id, "body": body, "attributes": {"ApproximateReceiveCount": str(receives)}}


def failures(answer: dict[str, Any]) -> list[str]:
    """Return the items that a batch's answer asks to have delivered again."""
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
