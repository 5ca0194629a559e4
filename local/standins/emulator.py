"""An asynchronous client of the embedded AWS for the few calls that stand-ins make on every request or poll.

boto3 would block the one event loop of all stand-ins. The embedded AWS takes Region and account from the credential
scope and does not check the signature, so none is computed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Protocol, Self
from urllib.parse import quote

from local.deployment import TEST_CREDENTIALS
from local.standins.http_client import ConnectionFailedError, HttpClient, HttpResponse

# API Gateway's own longest integration time-out; every call sets a shorter one where its declaration has one.
LONGEST_CALL_SECONDS: Final = 30.0

JSON_PROTOCOLS: Final[Mapping[str, tuple[str, str]]] = {
    "events": ("AWSEvents", "application/x-amz-json-1.1"),
    "logs": ("Logs_20140328", "application/x-amz-json-1.1"),
    "monitoring": ("GraniteServiceVersion20100801", "application/x-amz-json-1.0"),
    "sqs": ("AmazonSQS", "application/x-amz-json-1.0"),
}


class EmulatorError(Exception):
    """The embedded AWS refused a call."""

    def __init__(self, *, operation: str, status: int, code: str, message: str) -> None:
        super().__init__(f"{operation} answered {status} {code}: {message}")
        self.code = code


class EmulatorUnreachableError(Exception):
    """The embedded AWS did not answer at all."""


class EmulatorTimeoutError(Exception):
    """The embedded AWS did not answer in time."""


class Transport(Protocol):
    """How requests reach the embedded AWS."""

    async def request(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> HttpResponse:
        """One request; raises TimeoutError or ConnectionFailedError."""
        ...

    async def close(self) -> None:
        """Give back what is held."""
        ...


class Emulator:
    """A connection pool to the embedded AWS, one for all Regions."""

    def __init__(self, url: str, *, transport: Transport | None = None) -> None:
        self._http = transport or HttpClient(url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._http.close()

    async def send(
        self,
        *,
        region: str,
        service: str,
        method: str = "POST",
        path: str = "/",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout_seconds: float = LONGEST_CALL_SECONDS,
    ) -> HttpResponse:
        """One request in the given Region's credential scope."""
        try:
            return await self._http.request(
                method,
                path,
                headers={**(headers or {}), "Authorization": authorization(region, service)},
                body=body,
                timeout_seconds=timeout_seconds,
            )
        except TimeoutError as error:
            raise EmulatorTimeoutError(f"{service} {path}: no answer in {timeout_seconds:g} s") from error
        except ConnectionFailedError as error:
            raise EmulatorUnreachableError(f"{service} {path}: {error}") from error

    async def call(
        self,
        *,
        region: str,
        service: str,
        operation: str,
        payload: Mapping[str, Any],
        timeout_seconds: float = LONGEST_CALL_SECONDS,
    ) -> Mapping[str, Any]:
        """An operation of a service that speaks AWS's JSON protocol."""
        prefix, content_type = JSON_PROTOCOLS[service]
        response = await self.send(
            region=region,
            service=service,
            headers={"X-Amz-Target": f"{prefix}.{operation}", "Content-Type": content_type},
            body=json.dumps(payload).encode(),
            timeout_seconds=timeout_seconds,
        )
        if response.status != 200:
            raise _refusal(f"{service}:{operation}", response)
        return json.loads(response.body or b"{}")

    async def invoke(self, *, region: str, function_arn: str, payload: bytes, timeout_seconds: float) -> HttpResponse:
        """A synchronous invocation; a function's own error is in the header X-Amz-Function-Error."""
        return await self.send(
            region=region,
            service="lambda",
            path=f"/2015-03-31/functions/{quote(function_arn, safe=':')}/invocations",
            headers={"Content-Type": "application/json"},
            body=payload,
            timeout_seconds=timeout_seconds,
        )


def authorization(region: str, service: str) -> str:
    """An Authorization header whose credential scope names the Region."""
    scope = f"{TEST_CREDENTIALS['AWS_ACCESS_KEY_ID']}/20260101/{region}/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'0' * 64}"


def _refusal(operation: str, response: HttpResponse) -> EmulatorError:
    try:
        answer = json.loads(response.body)
    except ValueError:
        answer = {"message": response.body.decode(errors="replace")}
    return EmulatorError(
        operation=operation,
        status=response.status,
        code=str(answer.get("__type", "")).rpartition("#")[2],
        message=str(answer.get("message", answer.get("Message", ""))),
    )
