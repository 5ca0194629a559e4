"""Shows what failed and its last log lines, at once: functions as the emulator reports them, the rest as it ends."""

from collections.abc import Callable, Mapping
from typing import Any


def describe(report: Mapping[str, Any]) -> list[str]:
    """Return the lines that tell about a failed function or service."""
    if failure := report.get("failure"):
        return [f"{failure['name']} failed:", *_quoted(failure["lines"])]
    head = f"{report['function']} in {report['region']} failed: {report['error_type']}: {report['error_message']}"
    return [head, *_quoted(report["log"])]


class FailureReporter:
    """Takes reports of the emulator and the stand-ins, and says the ones that a reader has not just seen."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._last = ""
        self._repeated = 0
        self._silent = False

    def silence(self) -> None:
        """Say nothing any more: what is taken down fails, and that is no news."""
        self._silent = True

    def take(self, report: Mapping[str, Any]) -> None:
        """Say a failure; one that repeats is said again only at each tenth time."""
        if self._silent:
            return
        lines = describe(report)
        if lines[0] == self._last:
            self._repeated += 1
            if self._repeated % 10 == 0:
                self._say(f"{lines[0]} ({self._repeated} times more)")
            return
        self._last, self._repeated = lines[0], 0
        for line in lines:
            self._say(line)


def _quoted(lines: list[str]) -> list[str]:
    return [f"    │ {line}" for line in lines]
