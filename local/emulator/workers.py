# It replaces a part of ministack, and so uses what that part used.
# pyright: reportPrivateUsage=false
"""A function's execution environment whose Runtime API and log cost little: an order takes a dozen invocations."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local.emulator.runtime_api import EnvironmentEndedError, EnvironmentTimeoutError, Invocation, Result, RuntimeApi

Start = Callable[..., Any]
"""Starts a process as `subprocess.Popen` does."""

_INIT_SECONDS: Final = 10.0
"""Of Lambda's init phase; one that takes longer is run again under the function's own time-out.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""


class Worker(lambda_runtime.ProvidedWorker):
    """ministack's worker of a custom runtime, on one thread: that which invokes serves the Runtime API meanwhile."""

    start: Start = subprocess.Popen

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._api: RuntimeApi | None = None

    def invoke(
        self, event: Any, request_id: str, *, trace_id: str | None = None, invoked_function_arn: str | None = None
    ) -> dict[str, Any]:
        """Return ministack's description of the result, the log included."""
        with self._lock:
            timeout = self.config.get("Timeout", 30)
            kept = None if self._has_ended() else self._api
            api = kept or self._started(timeout)
            arn = self.config.get("FunctionArn", "") if invoked_function_arn is None else invoked_function_arn
            invocation = Invocation(
                request_id=request_id,
                event=event,
                function_arn=arn,
                trace_id=trace_id,
                deadline_ms=int(1000 * (time.time() + timeout)),
            )
            return {**self._outcome(api, invocation, timeout), "cold_start": kept is None}

    def _outcome(self, api: RuntimeApi, invocation: Invocation, timeout: int) -> dict[str, Any]:
        try:
            outcome = _described(api.run(invocation, self._has_ended, timeout))
        except EnvironmentEndedError:
            outcome = _error("Runtime.ExitError", "Runtime exited before returning a response")
            self._teardown()
        except EnvironmentTimeoutError:
            outcome = _error("Sandbox.Timedout", f"Task timed out after {timeout}.00 seconds")
            self._teardown()
        if api.init_error is not None:
            # A runtime that failed to start serves no other invocation.
            self._teardown()
        return {**outcome, "log": api.take_log()}

    def _started(self, timeout: float) -> RuntimeApi:
        try:
            return self._spawn_within(_INIT_SECONDS)
        except EnvironmentTimeoutError:
            try:
                return self._spawn_within(timeout)
            except EnvironmentTimeoutError as error:
                message = f"bootstrap did not reach the Runtime API within {timeout:g}s"
                raise lambda_runtime.ProvidedInitTimeout(message) from error

    def _spawn_within(self, seconds: float) -> RuntimeApi:
        self._teardown()
        api = self._api = RuntimeApi()
        try:
            self._proc = self._launched(api.port)
            api.follow(self._proc.stdout)
            api.await_runtime(self._has_ended, seconds)
        except EnvironmentEndedError as error:
            code = None if self._proc is None else self._proc.poll()
            self._teardown()
            message = f"bootstrap exited during init with code {code}: {api.take_log()}"
            raise RuntimeError(message) from error
        except BaseException:
            # Never leave a half-built environment behind.
            self._teardown()
            raise
        if api.init_error is not None:
            self._teardown()
            message = f"init error: {api.init_error.payload}"
            raise RuntimeError(message)
        self._start_time = time.time()
        return api

    def _launched(self, port: int) -> Any:
        directory = lambda_svc._provided_runtime_code_dir(self.code_zip)
        bootstrap = str(Path(directory) / "bootstrap")
        if not os.access(bootstrap, os.X_OK):
            message = "No bootstrap binary found in the deployment package."
            raise lambda_runtime.ProvidedRuntimeError(message, "Runtime.InvalidEntrypoint")
        try:
            # No fork while another thread writes code: the child would keep the file open, and it could not be run.
            with lambda_svc._provided_code_lock:
                return self.start(
                    [bootstrap],
                    cwd=directory,
                    env=lambda_svc._provided_worker_env(self.config, directory, port),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                )
        except OSError as error:
            message = f"Couldn't execute the bootstrap binary: {error}"
            raise lambda_runtime.ProvidedRuntimeError(message, "Runtime.InvalidEntrypoint") from error

    def _has_ended(self) -> bool:
        process = self._proc
        return process is None or process.poll() is not None

    def _teardown(self) -> None:
        process, self._proc = self._proc, None
        lambda_runtime._signal(process)
        lambda_runtime._collect(process, time.monotonic() + lambda_runtime._REAP_GRACE)
        self._close()

    def _close(self) -> None:
        api, self._api = self._api, None
        if api is not None:
            api.close()

    def _discard_tmpdir(self) -> None:
        # ministack has ended the process; who is waiting for it just now closes what it waits on.
        if self._lock.acquire(blocking=False):
            try:
                self._close()
            finally:
                self._lock.release()


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"status": "error", "error": message, "error_payload": {"errorMessage": message, "errorType": kind}}


def _described(result: Result) -> dict[str, Any]:
    if not result.is_error:
        return {"status": "ok", "result": result.payload}
    payload = result.payload
    message = payload.get("errorMessage") if isinstance(payload, dict) else str(payload)
    return {"status": "error", "error": message, "error_payload": payload}
