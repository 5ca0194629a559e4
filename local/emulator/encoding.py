"""Encodes and decodes JSON by msgspec where ministack does it by Python's `json`, in a fifth of the time."""

import json
import random
import types
import uuid
from typing import Any, Final

import msgspec
from ministack.core import responses
from ministack.services import dynamodb, eventbridge, lambda_svc, sqs, stepfunctions

from local.emulator.pinned import check_pinned

CODED: Final = (responses, dynamodb, eventbridge, lambda_svc, sqs, stepfunctions)
"""The modules that an order goes through."""
_AS_IT_IS: Final = ({}, {"ensure_ascii": False})
"""The options of `json.dumps` under which only the blanks between two values differ."""


def encode_quickly() -> None:
    """Replace the `json` of these modules; what msgspec can not do stays with Python's."""
    check_pinned(responses.json_response, "e6a4da6038be24fa")
    module = types.ModuleType("json")
    module.__dict__.update({**json.__dict__, "dumps": _dumps, "loads": _loads})
    for user in CODED:
        user.__dict__["json"] = module


def number_quickly() -> None:
    """Make ids without asking the kernel for each: they have to differ, nobody has to be unable to guess them."""
    check_pinned(responses.new_uuid, "1a88ffd41fb70e05")
    for user in (responses, dynamodb, eventbridge, lambda_svc):
        user.__dict__["new_uuid"] = new_id


def new_id() -> str:
    """Return a random UUID, version 4."""
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def _dumps(data: Any, **options: Any) -> str:
    if options not in _AS_IT_IS:
        return json.dumps(data, **options)
    try:
        return msgspec.json.encode(data).decode()
    except (TypeError, ValueError, OverflowError):
        return json.dumps(data, **options)


def _loads(text: str | bytes, **options: Any) -> Any:
    if options:
        return json.loads(text, **options)
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, TypeError, ValueError):
        # It says what is wrong as its callers expect it, or takes what is no JSON for the number that is meant.
        return json.loads(text)
