"""The published language: what is committed is what the types say, and what is sent is what is committed."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from jsonschema import ValidationError as SchemaError

from workloads.contracts.commands import SetPrice
from workloads.contracts.envelope import (
    MESSAGES,
    MalformedEventError,
    Message,
    UnknownEventTypeError,
    decode,
    decode_from_bus,
    encode,
    envelop,
    open_as,
    open_message,
)
from workloads.contracts.examples import CUSTOMER, ENVELOPE, EXAMPLES, TIME
from workloads.contracts.generate_schemas import FOLDER, schemas

by_type = pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: type(message).__name__)


def committed(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / name).read_text())


def enveloped(message: Message) -> bytes:
    return encode(
        envelop(
            message,
            event_id="e-1",
            source="meridian.checkout",
            subject=CUSTOMER,
            time=TIME,
            originregion="us-east-1",
            correlationid="c-1",
            causationid="c-1",
        )
    )


def test_the_committed_schemas_are_those_of_the_types() -> None:
    """`python -m workloads.contracts.generate_schemas` writes them."""
    assert {path.name for path in FOLDER.glob("*.json")} == schemas().keys()
    for name, schema in schemas().items():
        assert committed(name) == json.loads(json.dumps(schema)), name


def test_every_message_has_an_example() -> None:
    assert {type(message).__name__ for message in EXAMPLES} == MESSAGES.keys()


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.json")))
def test_a_committed_schema_shows_examples_of_itself(name: str) -> None:
    schema = committed(name)

    assert schema["examples"]
    for example in schema["examples"]:
        Draft202012Validator(schema).validate(example)


def test_the_examples_are_the_messages_that_the_tests_exchange() -> None:
    shown = {name: committed(f"{name}.{message.VERSION}.json")["examples"] for name, message in MESSAGES.items()}

    for message in EXAMPLES:
        assert json.loads(msgspec.json.encode(message)) in shown[type(message).__name__]
    assert committed("CloudEvent.json")["examples"] == [json.loads(encode(ENVELOPE))]


@by_type
def test_a_message_validates_against_its_committed_schema(message: Message) -> None:
    event = json.loads(enveloped(message))

    Draft202012Validator(committed("CloudEvent.json")).validate(event)
    Draft202012Validator(committed(f"{type(message).__name__}.{message.VERSION}.json")).validate(event["data"])
    assert event["dataschema"] == f"urn:meridian:schema:{type(message).__name__}:{message.VERSION}"


@by_type
def test_a_message_is_read_as_it_was_written(message: Message) -> None:
    assert open_message(decode(enveloped(message))) == message


@by_type
def test_a_reader_passes_over_fields_of_a_later_version(message: Message) -> None:
    event = json.loads(enveloped(message))
    event["data"]["addedLater"] = {"any": "thing"}
    event["tracestate"] = "an extension of CloudEvents"

    assert open_message(decode(json.dumps(event))) == message


@by_type
def test_a_message_without_one_of_its_fields_is_malformed_for_reader_and_schema(message: Message) -> None:
    event = json.loads(enveloped(message))
    del event["data"][next(iter(event["data"]))]

    with pytest.raises(MalformedEventError):
        open_message(decode(json.dumps(event)))
    with pytest.raises(SchemaError):
        Draft202012Validator(committed(f"{type(message).__name__}.{message.VERSION}.json")).validate(event["data"])


def test_an_unknown_type_and_another_type_than_expected_are_told_apart() -> None:
    event = json.loads(enveloped(EXAMPLES[0]))

    with pytest.raises(MalformedEventError, match="expected SetPrice, got OrderPlaced"):
        open_as(decode(json.dumps(event)), SetPrice)
    with pytest.raises(UnknownEventTypeError, match="NoSuchType"):
        open_message(decode(json.dumps({**event, "type": "NoSuchType"})))


def test_the_time_of_the_bus_entry_fills_a_missing_one() -> None:
    event = json.loads(enveloped(EXAMPLES[0]))
    entry = {"time": "2026-03-01T13:00:00Z", "detail": event}
    assert decode_from_bus(json.dumps(entry)).time == TIME

    del event["time"]
    assert decode_from_bus(json.dumps(entry)).time == "2026-03-01T13:00:00Z"


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b"\xff", b'{"time": "t", "detail": {"data": "\xff"}}'])
def test_what_is_no_event_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedEventError):
        decode(body)
    with pytest.raises(MalformedEventError):
        decode_from_bus(body)
