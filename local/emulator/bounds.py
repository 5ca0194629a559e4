# It replaces parts of ministack, and so uses what those parts used.
# pyright: reportPrivateUsage=false
"""What of the past the embedded AWS keeps: the newest part of it, where ministack keeps all of it until its end.

Nothing that a workload can ask for again is forgotten: items, messages and the names and ends of executions stay.
"""

import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from ministack.services import cloudwatch_logs, eventbridge, lambda_svc, stepfunctions

from local.emulator.pinned import check_pinned

_LOG_STREAMS: Final = 200
"""Of each function; ministack makes one an invocation, AWS one an execution environment."""
_EVENTS: Final = 1000
"""Of each Region; ministack keeps them for nobody but itself."""
_HISTORIES: Final = 200
"""Executions whose steps are kept after their end."""


def keep_the_newest_log_streams() -> None:
    """Forget the oldest stream of a function's log group with each new one beyond the bound."""
    emit = lambda_svc._emit_lambda_logs
    check_pinned(emit, "111efbf06968bb20")

    def emit_and_forget(func: Any, request_id: str, *arguments: Any, **options: Any) -> None:
        emit(func, request_id, *arguments, **options)
        config = func.get("config") or func
        named = (config.get("LoggingConfig") or {}).get("LogGroup")
        group = cloudwatch_logs._log_groups.get(named or f"/aws/lambda/{config.get('FunctionName')}")
        streams = group["streams"] if group else {}
        while len(streams) > _LOG_STREAMS:
            # Invocations end side by side: another one may have forgotten it already.
            with contextlib.suppress(KeyError, RuntimeError):
                del streams[next(iter(streams))]

    lambda_svc._emit_lambda_logs = emit_and_forget


def keep_the_newest_events() -> None:
    """Forget the oldest events that went over a Region's buses; archives have their own copies."""
    listed: Callable[[], Any] = eventbridge._events_log_list
    check_pinned(listed, "4e34b51983540b9f")

    def bounded_list() -> Any:
        events = listed()
        if len(events) >= 2 * _EVENTS:
            del events[:-_EVENTS]
        return events

    eventbridge._events_log_list = bounded_list


def keep_the_newest_histories(run: Callable[[str], None]) -> Callable[[str], None]:
    """Return a runner of executions after which the steps of the oldest ended ones are forgotten."""
    check_pinned(stepfunctions._add_event, "b1db143ccd21809d")
    ended: deque[str] = deque()

    def run_and_forget(execution_arn: str) -> None:
        run(execution_arn)
        ended.append(execution_arn)
        if len(ended) > _HISTORIES:
            oldest = ended.popleft()
            region, account = oldest.split(":")[3:5]
            execution = stepfunctions._executions.get_scoped(account, region, oldest)
            if execution is not None:
                execution["events"] = execution["events"][-1:]

    return run_and_forget
