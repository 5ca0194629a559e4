"""The client keeps connections, never sends a write twice, and never reads another request's answer."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from local.standins.http_client import ConnectionFailedError, HttpClient, HttpResponse
from tests.local.standins.conftest import free_port

Connection = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def post(client: HttpClient, *, seconds: float = 5) -> HttpResponse:
    return await client.request("POST", "/", headers={}, body=b"", timeout_seconds=seconds)


def serving(connection: Connection, use: Callable[[HttpClient], Awaitable[None]]) -> int:
    """Runs `use` against a server; tells how many connections were made."""
    made = 0

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal made
        made += 1
        try:
            await connection(reader, writer)
        except (EOFError, ConnectionError):
            pass
        finally:
            writer.close()

    async def scene() -> None:
        server = await asyncio.start_server(counted, "127.0.0.1", 0)
        client = HttpClient(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await use(client)
        await client.close()
        server.close()

    asyncio.run(scene())
    return made


async def numbered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers every request of a connection with its number."""
    number = 0
    while True:
        await reader.readuntil(b"\r\n\r\n")
        number += 1
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX-Number: {number}\r\n\r\n{number}".encode())


def test_requests_one_after_the_other_share_a_connection() -> None:
    async def use(client: HttpClient) -> None:
        assert [(await post(client)).body for _ in range(3)] == [b"1", b"2", b"3"]
        assert (await post(client)).headers["x-number"] == "4"

    assert serving(numbered, use) == 1


def test_requests_at_the_same_time_do_not_wait_for_each_other() -> None:
    async def use(client: HttpClient) -> None:
        assert len(await asyncio.gather(*(post(client) for _ in range(5)))) == 5

    assert serving(numbered, use) == 5


def test_an_answer_that_comes_too_late_is_nobodys() -> None:
    late = asyncio.Event()

    async def slow_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if not late.is_set():
            await late.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")

    async def use(client: HttpClient) -> None:
        with pytest.raises(TimeoutError):
            await post(client, seconds=0.05)
        late.set()
        assert (await post(client)).body == b"late"

    assert serving(slow_once, use) == 2


def test_a_connection_that_breaks_before_the_answer_fails_and_is_not_tried_again() -> None:
    async def hang_up(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    async def use(client: HttpClient) -> None:
        with pytest.raises(ConnectionFailedError):
            await post(client)

    assert serving(hang_up, use) == 1


def test_a_connection_that_the_server_has_closed_is_not_used_again() -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    async def use(client: HttpClient) -> None:
        for _ in range(2):
            assert (await post(client)).status == 200

    assert serving(once, use) == 2


def test_a_body_in_chunks_is_put_together() -> None:
    async def chunks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")

    async def use(client: HttpClient) -> None:
        assert (await post(client)).body == b"abcde"

    serving(chunks, use)


def test_a_server_that_is_not_there_is_a_failed_connection() -> None:
    async def scene() -> None:
        with pytest.raises(ConnectionFailedError):
            await post(HttpClient(f"http://127.0.0.1:{free_port()}"))

    asyncio.run(scene())
