"""Watches a cell's alarms for a time after its deployment; the first that is raised ends the roll-out."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from components.settings import PROJECT

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

_INTERVAL_SECONDS: Final = 30


class CellInAlarmError(Exception):
    """A cell has raised an alarm, or has none that could be raised."""


def bake(
    cloudwatch: "CloudWatchClient",
    *,
    region: str,
    minutes: float,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Return when the time is over without an alarm; raises CellInAlarmError."""
    if not any(_alarms(cloudwatch)):
        raise CellInAlarmError(f"{region} has no alarm {PROJECT}-*: nothing would stop a bad roll-out")
    end = clock() + minutes * 60
    while True:
        raised = sorted(name for name, state in _alarms(cloudwatch).items() if state == "ALARM")
        if raised:
            raise CellInAlarmError(
                f"{region} has raised {', '.join(raised)}: the roll-out stops here, later cells stay"
            )
        left = end - clock()
        if left <= 0:
            return
        wait(min(_INTERVAL_SECONDS, left))


def _alarms(cloudwatch: "CloudWatchClient") -> dict[str, str]:
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{PROJECT}-")
    alarms = (alarm for page in pages for alarm in page["MetricAlarms"])
    return {alarm.get("AlarmName", ""): alarm.get("StateValue", "") for alarm in alarms}
