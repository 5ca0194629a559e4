"""What fails in a laptop that runs is said there at once, with its last log lines: functions and services."""

from __future__ import annotations

import json
import signal

from tests.local.end_to_end.conftest import RememberedTree
from tests.local.end_to_end.shop import Shop, eventually
from tests.local.end_to_end.test_failures import PROJECTOR, processes_with

FUNCTION = "meridian-loyalty-awards"


def test_a_function_that_fails_is_named_with_its_error_and_its_last_log_lines(
    shop: Shop, output: RememberedTree
) -> None:
    region = shop.regions[0]
    before = len(output.said)

    shop.client("lambda", region).invoke(FunctionName=FUNCTION, Payload=json.dumps({"Records": 7}))

    head, *log = eventually(lambda: _report(output.said[before:], f"{FUNCTION} in {region} failed: "), bool)
    assert "TypeError" in head
    assert any("Traceback" in line or "TypeError" in line for line in log)


def test_a_service_that_ends_is_named_with_how_it_ended(shop: Shop, output: RememberedTree) -> None:
    victims = processes_with(PROJECTOR)
    before = len(output.said)

    for victim in victims:
        victim.send_signal(signal.SIGKILL)

    for region in shop.regions:
        ended = eventually(
            lambda region=region: _report(output.said[before:], f"meridian-loyalty-projector-{region} failed:"), bool
        )
        assert ended[-1] == "    │ exited with code -9; started again"


def _report(said: list[str], head: str) -> list[str]:
    """Return the first line that begins so, and the quoted ones below it."""
    for index, line in enumerate(said):
        if line.startswith(head):
            below = said[index + 1 :]
            quoted = next((n for n, each in enumerate(below) if not each.startswith("    │ ")), len(below))
            return [line, *below[:quoted]]
    return []
