"""The connections of the stand-ins to the embedded AWS.

aiohttp rather than httpx, which the demo uses: in the gateway, each millisecond of the processor's time is one that the
functions behind it do not get.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp
from multidict import CIMultiDictProxy

MOST_CONNECTIONS: Final = 256
# The embedded AWS closes a connection that was idle for 75 seconds. One that is about to be closed must not take a
# request: whether that was carried out could not be told.
LONGEST_IDLE_SECONDS: Final = 30.0


class ConnectionFailedError(Exception):
    """The server can not be reached, or broke the connection off before its answer was complete."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient:
    """The connections to one server."""

    def __init__(self, url: str) -> None:
        if not url.startswith("http://"):
            raise ValueError(f"{url!r}: expected http://<host>:<port>")
        self._url = url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> HttpResponse:
        """One request; raises TimeoutError or ConnectionFailedError. A write is never sent twice."""
        try:
            async with self._connected().request(
                method,
                f"{self._url}{path}",
                headers=headers,
                data=body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout_seconds),
            ) as answer:
                return HttpResponse(answer.status, _lower_case(answer.headers), await answer.read())
        except aiohttp.ClientError as error:
            raise ConnectionFailedError(f"{method} {path}: {error!r}") from error

    async def close(self) -> None:
        """Close what is kept."""
        if self._session is not None:
            await self._session.close()

    def _connected(self) -> aiohttp.ClientSession:
        """Return the session, made at the first request: it belongs to the loop that runs then."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=MOST_CONNECTIONS, keepalive_timeout=LONGEST_IDLE_SECONDS)
            self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        return self._session


def _lower_case(headers: CIMultiDictProxy[str]) -> Mapping[str, str]:
    return {name.lower(): value for name, value in headers.items()}
