"""The envelope of everything on the bus: CloudEvents 1.0 in JSON, with the extensions that forwarding needs."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeVar

import msgspec

from workloads.contracts.commands import COMMANDS, Command
from workloads.contracts.events import DOMAIN_EVENTS, DomainEvent

Message = DomainEvent | Command
T = TypeVar("T", bound=Message)

MESSAGES: Final[dict[str, type[Message]]] = {message.__name__: message for message in (*DOMAIN_EVENTS, *COMMANDS)}


class MalformedEventError(ValueError):
    """What arrived is no CloudEvent of ours, or its data does not fit its type."""


class UnknownEventTypeError(MalformedEventError):
    """The type of an event is none that this version knows."""

    def __init__(self, event_type: str) -> None:
        super().__init__(f"unknown event type {event_type!r}: known are {', '.join(sorted(MESSAGES))}")


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One message. Attribute names are lower case without separators, as CloudEvents 1.0.2 asks (section 3.1)."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    """Immutable: the same in every Region and at every retry. Consumers deduplicate by (source, id)."""
    source: Annotated[str, msgspec.Meta(min_length=1)]
    type: Annotated[str, msgspec.Meta(min_length=1)]
    dataschema: str
    subject: str
    originregion: str
    """Where it was first said: only that Region publishes, forwards and awards."""
    correlationid: str
    causationid: str
    data: msgspec.Raw
    time: str | None = None
    """RFC 3339. Absent only in commands that the gateway built: API Gateway's templates can not format a time."""
    destinationregion: str | None = None
    """For commands: the Region that must carry it out."""
    specversion: Literal["1.0"] = "1.0"
    datacontenttype: Literal["application/json"] = "application/json"


def schema_name(message: type[Message]) -> str:
    """Return the `dataschema` of a message type: a URN that ends with the version."""
    return f"urn:meridian:schema:{message.__name__}:{message.VERSION}"


def envelop(
    message: Message,
    *,
    event_id: str,
    source: str,
    subject: str,
    time: str,
    originregion: str,
    correlationid: str,
    causationid: str,
    destinationregion: str | None = None,
) -> CloudEvent:
    """Put a message into its envelope."""
    return CloudEvent(
        id=event_id,
        source=source,
        type=type(message).__name__,
        dataschema=schema_name(type(message)),
        subject=subject,
        time=time,
        originregion=originregion,
        correlationid=correlationid,
        causationid=causationid,
        destinationregion=destinationregion,
        data=msgspec.Raw(_ENCODER.encode(message)),
    )


def encode(event: CloudEvent) -> bytes:
    """Write an event as JSON."""
    return _ENCODER.encode({name: value for name, value in msgspec.structs.asdict(event).items() if value is not None})


def decode(body: bytes | str) -> CloudEvent:
    """Read an event; raises MalformedEventError."""
    try:
        return _EVENT_DECODER.decode(body)
    except _UNREADABLE as error:
        message = f"no CloudEvent: {error}"
        raise MalformedEventError(message) from error


def decode_from_bus(body: bytes | str) -> CloudEvent:
    """Read the event in an entry of the bus (a queue's message body); the entry's own time fills a missing one."""
    try:
        entry = _ENTRY_DECODER.decode(body)
    except _UNREADABLE as error:
        message = f"no event of the bus: {error}"
        raise MalformedEventError(message) from error
    if entry.detail.time is None:
        return msgspec.structs.replace(entry.detail, time=entry.time)
    return entry.detail


def open_message(event: CloudEvent) -> Message:
    """Return the typed payload; raises UnknownEventTypeError or MalformedEventError.

    A version above ours is read as ours: versions only add fields with defaults, or get a new name.
    """
    message_type = MESSAGES.get(event.type)
    if message_type is None:
        raise UnknownEventTypeError(event.type)
    return open_as(event, message_type)


def open_as(event: CloudEvent, message_type: type[T]) -> T:
    """Return the payload as the one type that the caller accepts; raises MalformedEventError."""
    if event.type != message_type.__name__:
        message = f"expected {message_type.__name__}, got {event.type} (id {event.id})"
        raise MalformedEventError(message)
    try:
        return msgspec.json.decode(event.data, type=message_type)
    except _UNREADABLE as error:
        message = f"{event.type} (id {event.id}): {error}"
        raise MalformedEventError(message) from error


class _BusEntry(msgspec.Struct, frozen=True):
    """What EventBridge hands to a target, as far as it is read here."""

    time: str
    detail: CloudEvent


# Text that is no UTF-8 is the one defect that msgspec does not report as its own.
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeError)
_ENCODER: Final = msgspec.json.Encoder()
_EVENT_DECODER: Final = msgspec.json.Decoder(CloudEvent)
_ENTRY_DECODER: Final = msgspec.json.Decoder(_BusEntry)
