"""Access logs: one line for each request in the declared format, written to the stage's log group.

Lines are delivered in batches and at best effort, as on AWS; a request never waits for its line.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from local.standins.emulator import Emulator, EmulatorError, EmulatorTimeoutError, EmulatorUnreachableError
from local.standins.gateway import mapping
from local.standins.gateway.call import Call, GatewayReply
from local.standins.gateway.definition import Api
from local.standins.gateway.responses import message_of
from local.standins.reporting import Report

FLUSH_SECONDS: Final = 1.0
# PutLogEvents takes 10,000 events and 1 MiB a call: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
MOST_EVENTS_A_CALL: Final = 500
MOST_WAITING: Final = 10_000
_VARIABLE: Final = re.compile(r"\$context\.(?P<path>[\w-]+(?:\.[\w-]+)*)")


class AccessLogs:
    """The lines of one stage on their way to its log group."""

    def __init__(self, api: Api, emulator: Emulator, report: Report) -> None:
        self._api = api
        self._emulator = emulator
        self._report = report
        self._waiting: deque[Mapping[str, Any]] = deque(maxlen=MOST_WAITING)
        self._stream = f"laptop-{int(time.time() * 1000)}"
        self._stream_exists = False

    def write(self, call: Call, reply: GatewayReply) -> None:
        """Take the line of one request."""
        if self._api.access_log is not None:
            line = format_line(self._api.access_log.format, call, reply)
            self._waiting.append({"timestamp": int(call.started.timestamp() * 1000), "message": line})

    async def run(self) -> None:
        """Deliver until cancelled."""
        while self._api.access_log is not None:
            await asyncio.sleep(FLUSH_SECONDS)
            try:
                await self.flush()
            except (EmulatorError, EmulatorTimeoutError, EmulatorUnreachableError) as error:
                self._report.failure(f"access log of {self._api.name} in {self._api.region}", [str(error)])
                return

    async def flush(self) -> None:
        """Deliver what is waiting."""
        while self._waiting and self._api.access_log is not None:
            events = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_EVENTS_A_CALL))]
            target = {"logGroupName": self._api.access_log.log_group, "logStreamName": self._stream}
            if not self._stream_exists:
                await self._call("CreateLogStream", target)
                self._stream_exists = True
            await self._call("PutLogEvents", {**target, "logEvents": events})

    async def _call(self, operation: str, payload: Mapping[str, Any]) -> None:
        await self._emulator.call(region=self._api.region, service="logs", operation=operation, payload=payload)


def format_line(template: str, call: Call, reply: GatewayReply) -> str:
    """A line; variables without a value are a hyphen.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
    """
    error = call.error
    message = message_of(error) if error else None
    base = call.request_context()
    latency = call.principal.latency_ms if call.principal else None
    context: dict[str, Any] = {
        **base,
        "authorizer": {**base.get("authorizer", {}), "latency": latency, "status": 200 if call.principal else None},
        "status": reply.status,
        "responseLength": len(reply.body),
        "responseLatency": int((time.perf_counter() - call.started_at) * 1000),
        "integrationLatency": call.integration_latency_ms,
        "integrationStatus": call.integration_status,
        "integration": {"latency": call.integration_latency_ms, "status": call.integration_status},
        "error": {
            "message": message,
            "messageString": json.dumps(message) if message else None,
            "responseType": error.response_type if error else None,
            "validationErrorString": json.dumps(error.validation_error)[1:-1] if error else None,
        },
    }
    return _VARIABLE.sub(lambda match: _escaped(mapping.context_value(context, match["path"])), template)


def _escaped(value: str | None) -> str:
    # Values stand inside of quotes in a JSON format: a quote of the client's must not end them.
    return "-" if value is None else value if value.startswith('"') else json.dumps(value)[1:-1]
