# Lambda calls a handler with both arguments, whether it wants them or not.
# ruff: noqa: ARG001
"""Lambda functions that the tests of the emulator deploy."""

import os
import time
from pathlib import Path
from typing import Any


def refuse_poison(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Write down what was processed; name the first record that says `poison`."""
    for record in event["Records"]:
        key = record["dynamodb"]["Keys"]["pk"]["S"]
        if key.startswith("poison"):
            return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
        _note(key)
    return {"batchItemFailures": []}


def fail_on_poison(event: dict[str, Any], context: Any) -> None:
    """Raise for the whole batch when a record says `poison`, before anything is processed."""
    keys = [record["dynamodb"]["Keys"]["pk"]["S"] for record in event["Records"]]
    if any(key.startswith("poison") for key in keys):
        raise LookupError("poison")
    for key in keys:
        _note(key)


def process_id(event: dict[str, Any], context: Any) -> int:
    """Tell which worker ran, after a moment in which another call may come."""
    time.sleep(float(event["seconds"]))
    return os.getpid()


def variables(event: dict[str, Any], context: Any) -> dict[str, str]:
    """Return the environment."""
    return dict(os.environ)


def chatter(event: dict[str, Any], context: Any) -> int:
    """Log more than a pipe holds."""
    for number in range(event["lines"]):
        print(f"line {number:06d} {'x' * 80}")
    return event["lines"]


def live_or_end(event: dict[str, Any], context: Any) -> int:
    """Tell which process it is, or end it, or do not answer."""
    match event["wish"]:
        case "end":
            os._exit(1)
        case "hang":
            time.sleep(60)
        case _:
            return os.getpid()
    return 0


def _note(key: str) -> None:
    with Path(os.environ["NOTES"]).open("a", encoding="utf-8") as notes:
        notes.write(key + "\n")
