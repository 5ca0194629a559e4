"""Logs one JSON object a line, with the ids that tie lines to a request. Never a body, a token or an amount."""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Final

from workloads.contracts.clock import SystemClock, timestamp

# What every LogRecord has: the rest of its attributes came by `extra=` (logging.LogRecord's documentation).
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def logger(name: str) -> logging.Logger:
    """Return a logger that writes JSON lines to standard output: `log.info("placed", extra={"order_id": …})`."""
    named = logging.getLogger(name)
    if not named.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(_JsonFormatter())
        named.addHandler(handler)
        named.setLevel(os.environ.get("LOG_LEVEL", "INFO"))
        named.propagate = False
    return named


class _JsonFormatter(logging.Formatter):
    """Formats a record and its extras."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = {
            "time": timestamp(SystemClock().now()),
            "level": record.levelname,
            "service": os.environ.get("SERVICE_NAME", record.name),
            "message": record.getMessage(),
        }
        fields.update((name, value) for name, value in vars(record).items() if name not in _STANDARD)
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=str)
