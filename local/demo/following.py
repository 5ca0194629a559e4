"""Following what is under way to its end, and what an exchange makes of an answer that it has no use for."""

from collections.abc import Awaitable, Callable
from typing import Final

import aiohttp
import msgspec

from local.demo.clients import CommandDocument, EntryApi, Reply, UnexpectedReplyError
from local.demo.waiting import Deadline, read_until

NOT_FOUND: Final = 404
PATIENCE: Final = 60.0
"""Seconds that any single stage may take to settle; a healthy laptop needs a tenth of it."""


async def follow_command(reply: Reply, api: EntryApi, token: str, deadline: Deadline) -> CommandDocument:
    """Return what became of a command: it is not found while it is still on its way."""
    return await read_command(accepted(reply).location, api, token, deadline)


async def read_command(path: str, api: EntryApi, token: str, deadline: Deadline) -> CommandDocument:
    """Return what became of the command that the path names."""
    answer = await read_until(
        api, "read a command", path, token, accepted=lambda seen: seen.status != NOT_FOUND, deadline=deadline
    )
    return answer.read(CommandDocument, 200)


async def guarded(faults: list[str], exchange: Callable[[], Awaitable[None]]) -> None:
    """Run an exchange; an answer or a failure that it has no use for becomes a fault, which the verdict shows."""
    try:
        await exchange()
    except UnexpectedReplyError as error:
        faults.append(str(error))
    except (aiohttp.ClientError, TimeoutError) as error:
        faults.append(f"{type(error).__name__}: {error}")


def state_of(reply: Reply) -> str:
    """Return the state that an order or a deposit is shown in; none while it is not found."""
    if reply.status == NOT_FOUND:
        return ""
    return reply.read(_Stated, 200, 201, 202).state


def accepted(reply: Reply) -> Reply:
    """Return the answer to a command that the bus took; any other is an error."""
    if reply.status != 202:
        raise UnexpectedReplyError(reply, "202")
    return reply


class _Stated(msgspec.Struct, frozen=True):
    """What orders and deposits have in common."""

    state: str
