# ministack has no interface for what is changed here; `check_pinned` is the check instead.
# pyright: reportPrivateUsage=false
"""Changes to ministack, each with its reason.

A patch replaces or relies on code of the pinned version: `check_pinned` compares the digest of that code and stops the
emulator when a new version changed it, so that a patch is looked at again instead of silently doing the wrong thing.
What needs more than a few lines has a module of its own.
"""

import asyncio
import json
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from email.utils import formatdate
from functools import lru_cache, partial
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from ministack import app
from ministack.core import lambda_runtime
from ministack.services import cognito, eventbridge, lambda_svc, stepfunctions

from local.bootstrap import MODULES, SCRIPT
from local.emulator import bounds, encoding, metrics, tables
from local.emulator.pinned import PatchError, check_pinned
from local.emulator.settings import EmulatorSettings
from local.emulator.spawner import Spawner
from local.emulator.streams import StreamPoller
from local.emulator.workers import Worker

PINNED_VERSION: Final = "1.5.33"
_LAST_LINES: Final = 25
_MOST_WAITING: Final = 512


def apply(settings: EmulatorSettings) -> None:
    """Apply every patch; ministack's environment variables have to be set before."""
    installed = metadata.version("ministack")
    if installed != PINNED_VERSION:
        message = f"ministack {installed} is installed; local/emulator/patches.py was written for {PINNED_VERSION}"
        raise PatchError(message)
    run_functions_in_lean_workers()
    wait_on_kept_threads()
    start_executions_at_once(settings)
    wait_for_a_free_worker(settings)
    settle_stream_batches(settings)
    refuse_events_without_entries()
    report_failures()
    gather_messages()
    send_few_headers()
    encoding.encode_quickly()
    encoding.number_quickly()
    tables.parse_expressions_once()
    tables.copy_items_quickly()
    tables.share_items_between_replicas()
    tables.remember_requests_by_digest()
    bounds.keep_the_newest_log_streams()
    bounds.keep_the_newest_events()
    metrics.gather_equal_values()
    metrics.keep_the_newest_points()
    metrics.evaluate_alarms_now_and_then()


def run_functions_in_lean_workers() -> None:
    """Serve the Runtime API on the thread that invokes, and fork what has the laptop's bootstrap: see `workers`.

    ministack's server of it is Python's, which sends an answer in two writes (44 ms apart by Nagle's algorithm) and
    reads headers as e-mail; it has threads of its own, looks ten times a second whether it is to end, and waits 50 ms
    for a first line even of a function that logs none.
    """
    check_pinned(lambda_runtime.ProvidedWorker, "10c36526207f20fc")
    check_pinned(lambda_runtime._worker_class_for, "b5a23849280af819")
    spawner = Spawner()

    def fork_or_start(command: Sequence[str], **options: Any) -> Any:
        program = Path(command[0])
        if program.name != "bootstrap" or program.read_bytes() != SCRIPT.encode():
            return subprocess.Popen(command, **options)
        variables = options["env"]
        return spawner.spawn([*MODULES[1:], variables["_HANDLER"]], directory=options["cwd"], variables=variables)

    Worker.start = staticmethod(fork_or_start)
    lambda_runtime.ProvidedWorker = Worker


def wait_on_kept_threads() -> None:
    """Keep the threads on which invocations and sign-ins wait: to start one costs more than twice what a wake-up does.

    There are more than calls can be nested, which is why ministack starts one for each.
    """
    check_pinned(lambda_svc.run_reentrant, "bd6c9a9940ab3b7f")
    threads = ThreadPoolExecutor(_MOST_WAITING, thread_name_prefix="waiting")

    async def run_on_a_kept_thread(function: Callable[..., Any], *arguments: Any, thread_name: str) -> Any:
        del thread_name
        return await asyncio.get_running_loop().run_in_executor(
            threads, partial(copy_context().run, function, *arguments)
        )

    lambda_svc.run_reentrant = run_on_a_kept_thread
    cognito.run_reentrant = run_on_a_kept_thread


def start_executions_at_once(settings: EmulatorSettings) -> None:
    """Skip the fixed 150 ms before a state machine's first state, and let no more executions run than can.

    Waits that a definition declares stay. A thousand executions that all wait for two workers would run into the
    time-outs of their states, start them again, and get ever further behind.
    """
    run = stepfunctions._run_execution
    check_pinned(run, "996dff84e0e0605a")
    places = threading.Semaphore(settings.executions)

    def run_in_turn(execution_arn: str) -> None:
        with places:
            run(execution_arn)

    stepfunctions._run_execution = bounds.keep_the_newest_histories(run_in_turn)
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
    execute: Callable[..., dict[str, Any]] = lambda_svc._execute_function_provided_warm
    check_pinned(execute, "7cddef20157fd1f5")
    places: dict[str, threading.Semaphore] = {}
    registering = threading.Lock()

    def place_of(config: dict[str, Any]) -> threading.Semaphore:
        # Versions of a function share its workers: of the ARN only what stands before a version counts.
        function = ":".join(str(config["FunctionArn"]).split(":")[:7])
        with registering:
            return places.setdefault(function, threading.Semaphore(settings.workers_for(config["FunctionName"])))

    def execute_in_turn(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        with place_of(func.get("config") or func):
            return execute(func, event, request_id)

    lambda_svc._execute_function_provided_warm = execute_in_turn


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


def gather_messages() -> None:
    """Look for messages at most 20 times a second, so that those of one moment come in one batch.

    Each message wakes ministack's poller, which would take it alone: a batch of one costs as much as one of ten.
    """
    poll = lambda_svc._poll_sqs
    check_pinned(poll, "e438a6a1e09482dc")
    pause = 0.05

    def pause_and_poll() -> bool:
        time.sleep(pause)
        return poll()

    lambda_svc._poll_sqs = pause_and_poll


def send_few_headers() -> None:
    """Leave out what AWS's services send to no client but a browser, and make the date once a second.

    An SDK parses each header of each answer.
    """
    encode = app._asgi_header_list
    check_pinned(encode, "2d6c90abbccc9049")
    check_pinned(app._with_date_header, "d5e0f710aa4c155e")

    def encode_few(headers: dict[str, Any]) -> list[tuple[bytes, bytes]]:
        return encode({name: value for name, value in headers.items() if not name.startswith("Access-Control-")})

    @lru_cache(maxsize=1)
    def date_of(_second: int) -> str:
        return formatdate(usegmt=True)

    def date_now(*, usegmt: bool) -> str:
        del usegmt
        return date_of(int(time.time()))

    app._asgi_header_list = encode_few
    app.formatdate = date_now
