"""Whoever is called finds the alarm in a runbook."""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase

from local.paths import ROOT
from local.recording import Graph

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
RUNBOOKS = ROOT / "docs" / "runbooks"
OF_CHECKOUT = ("checkout-", "tokens-", "entry-api-", "unpublished-", "event-target-", "forward-to-")


def patterns(runbook: str) -> set[str]:
    """Return the names of alarms that a runbook knows: a `-end` belongs to the name before it."""
    found: set[str] = set()
    before = ""
    for name in re.findall(r"`(-?[a-z][a-z0-9*-]*)`", runbook):
        if name.startswith("-"):
            found |= {f"{before.rsplit('-', count)[0]}{name}" for count in (1, 2)}
        else:
            before = name
            found.add(name)
    return found


def missing(alarms: set[str], runbook: str) -> set[str]:
    known = patterns((RUNBOOKS / runbook).read_text(encoding="utf-8"))
    return {name for name in alarms if not any(fnmatchcase(name, pattern) for pattern in known)}


def test_every_alarm_of_checkout_is_in_its_runbook(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        alarms = {a.inputs["name"].removeprefix("meridian-") for a in graph.of_type(ALARM)}
        mine = {name for name in alarms if name.startswith(OF_CHECKOUT)}

        assert mine
        assert missing(mine, "checkout.md") == set()


def test_every_other_alarm_is_in_the_runbook_of_points_and_views(cell_graphs: Mapping[str, Graph]) -> None:
    for graph in cell_graphs.values():
        alarms = {a.inputs["name"].removeprefix("meridian-") for a in graph.of_type(ALARM)}
        others = {name for name in alarms if not name.startswith(OF_CHECKOUT)}

        assert others
        assert missing(others, "points-and-views.md") == set()
