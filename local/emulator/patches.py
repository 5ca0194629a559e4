# ministack has no interface for what is changed here; `check_pinned` is the check instead.
# pyright: reportPrivateUsage=false
"""Changes to ministack, each with its reason.

A patch replaces or relies on code of the pinned version: `check_pinned` compares the digest of that code and stops the
emulator when a new version changed it, so that a patch is looked at again instead of silently doing the wrong thing.
"""

import hashlib
import inspect
import json
import socketserver
import sys
import threading
import time
import types
from collections.abc import Callable
from importlib import metadata
from typing import Any, Final

from ministack.core import lambda_runtime
from ministack.core.responses import get_region
from ministack.services import cloudwatch, eventbridge, lambda_svc, stepfunctions

from local.emulator.settings import EmulatorSettings
from local.emulator.streams import StreamPoller

PINNED_VERSION: Final = "1.5.33"
_LAST_LINES: Final = 25


class PatchError(Exception):
    """The installed ministack is not the one that the patches were written for."""


def apply(settings: EmulatorSettings) -> None:
    """Apply every patch; ministack's environment variables have to be set before."""
    installed = metadata.version("ministack")
    if installed != PINNED_VERSION:
        message = f"ministack {installed} is installed; local/emulator/patches.py was written for {PINNED_VERSION}"
        raise PatchError(message)
    answer_the_runtime_api_at_once()
    do_not_wait_for_log_lines()
    start_executions_at_once()
    wait_for_a_free_worker(settings)
    settle_stream_batches(settings)
    refuse_events_without_entries()
    evaluate_alarms_now_and_then()
    report_failures()


def answer_the_runtime_api_at_once() -> None:
    """Send the Runtime API's answers without Nagle's delay: headers and body leave in two writes, 44 ms apart."""
    check_pinned(lambda_runtime.ProvidedWorker._build_handler_class, "806d5b8e506093e3")
    socketserver.StreamRequestHandler.disable_nagle_algorithm = True


def do_not_wait_for_log_lines() -> None:
    """Collect a function's output in 2 ms: ministack waits 50 ms for a first line even of a function that logs none.

    A line that comes later is not lost, it appears with the next invocation of the same worker.
    """
    drain = lambda_runtime.Worker._drain_stderr_bounded
    check_pinned(drain, "3fd7cc742872e604")
    drain.__defaults__ = (0.002, 0.001, 0.250)


def start_executions_at_once() -> None:
    """Skip the fixed 150 ms before a state machine's first state; waits that a definition declares stay."""
    check_pinned(stepfunctions._run_execution, "996dff84e0e0605a")
    fixed_wait = 0.15

    def sleep(seconds: float) -> None:
        if seconds != fixed_wait:
            time.sleep(seconds)

    clock = types.ModuleType("time")
    clock.__dict__.update({**time.__dict__, "sleep": sleep})
    stepfunctions.time = clock


def wait_for_a_free_worker(settings: EmulatorSettings) -> None:
    """Bound the workers of each function; a call beyond the bound waits for one instead of starting another.

    ministack starts a process a concurrent call, or throttles: the first costs memory that a laptop does not have, the
    second makes clients see errors that AWS would not give at this load.
    """
    acquire, release = lambda_runtime.acquire_worker, lambda_runtime.release_worker
    check_pinned(acquire, "5017d144adb5b983")
    check_pinned(release, "25d5dd7d42b6e30c")
    check_pinned(lambda_svc._execute_function_provided_warm, "7cddef20157fd1f5")
    freed = threading.Condition()
    longest_wait, recheck = 60.0, 0.5

    def acquire_or_wait(
        func_name: str,
        config: dict[str, Any],
        code_zip: bytes,
        qualifier: str = "$LATEST",
        max_concurrency: int | None = None,
    ) -> tuple[Any, str]:
        bound = max_concurrency or settings.workers_for(func_name)
        deadline = time.monotonic() + longest_wait
        with freed:
            while True:
                worker, reason = acquire(func_name, config, code_zip, qualifier=qualifier, max_concurrency=bound)
                if worker is not None or time.monotonic() > deadline:
                    return worker, reason
                # Rechecked now and then: a worker that is thrown away makes room without being released.
                freed.wait(recheck)

    def release_and_tell(worker: Any) -> None:
        release(worker)
        with freed:
            freed.notify_all()

    lambda_svc.acquire_worker = acquire_or_wait
    lambda_svc.release_worker = release_and_tell


def settle_stream_batches(settings: EmulatorSettings) -> None:
    """Honour what an event source mapping of a DynamoDB stream declares.

    ministack takes a partial failure for a success (the failed records are lost), retries a failed batch for ever
    whatever the declared attempts, bisecting and destination, and runs the batch on the thread that polls every other
    mapping.
    """
    check_pinned(lambda_svc._poll_dynamodb_streams, "2b2460e933a9f3c3")
    check_pinned(lambda_svc._dispatch_esm_batch, "b91ab76fad0bfaf7")
    check_pinned(lambda_svc._send_ddb_stream_failure_record, "0efd5f5ffe2d6df5")
    lambda_svc._poll_dynamodb_streams = StreamPoller(settings.url).poll


def refuse_events_without_entries() -> None:
    """Refuse a PutEvents request without entries, as EventBridge does: the list has at least one."""
    put_events = eventbridge._put_events
    check_pinned(put_events, "ebcda0f38061fc62")

    def refuse_or_put(data: dict[str, Any], allow_aws_source: bool = False) -> Any:  # noqa: FBT001, FBT002 - as replaced
        if not data.get("Entries"):
            return eventbridge.error_response_json(
                "ValidationException",
                "1 validation error detected: Value '[]' at 'entries' failed to satisfy constraint: "
                "Member must have length greater than or equal to 1",
                400,
            )
        return put_events(data, allow_aws_source)

    eventbridge._put_events = refuse_or_put


def evaluate_alarms_now_and_then() -> None:
    """Evaluate the alarms of a Region at most four times a minute, instead of with every PutMetricData.

    An evaluation goes through every point of every metric and stops all else meanwhile; CloudWatch evaluates once a
    minute.
    """
    evaluate = cloudwatch._evaluate_all_alarms
    check_pinned(evaluate, "f83f88e57f1ccfc9")
    interval = 15.0
    last: dict[str, float] = {}

    def evaluate_if_due() -> None:
        region, now = get_region(), time.monotonic()
        if now - last.get(region, -interval) >= interval:
            last[region] = now
            evaluate()

    cloudwatch._evaluate_all_alarms = evaluate_if_due


def report_failures() -> None:
    """Print a failed invocation with its last log lines as one JSON line, at once, for the supervisor to show."""
    dispatch: Callable[..., dict[str, Any]] = lambda_svc._execute_function_dispatch
    check_pinned(dispatch, "f62cd259213ecef7")

    def dispatch_and_report(func: Any, config: Any, event: Any, request_id: str, started: float) -> dict[str, Any]:
        result = dispatch(func, config, event, request_id, started)
        if result.get("error") and not result.get("throttle"):
            body = result.get("body")
            error: dict[str, Any] = body if isinstance(body, dict) else {"errorMessage": str(body)}
            report = {
                "event": "function-failed",
                "function": config.get("FunctionName"),
                "region": str(config.get("FunctionArn", "::::")).split(":")[3],
                "request_id": request_id,
                "error_type": error.get("errorType", ""),
                "error_message": error.get("errorMessage", ""),
                "log": str(result.get("log") or "").splitlines()[-_LAST_LINES:],
            }
            sys.stdout.write(json.dumps(report) + "\n")
            sys.stdout.flush()
        return result

    lambda_svc._execute_function_dispatch = dispatch_and_report


def check_pinned(function: Callable[..., Any], digest: str) -> None:
    """Raise if the code of a function is not the one that its patch was written for."""
    found = hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[: len(digest)]
    if found != digest:
        message = (
            f"{function.__module__}.{function.__qualname__} has digest {found}, not {digest}: look at its patch again"
        )
        raise PatchError(message)
