"""Whoever is called by checkout finds the alarm in its runbook."""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase

from local.paths import ROOT
from local.recording import Graph

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
RUNBOOK = ROOT / "docs" / "runbooks" / "checkout.md"


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


def test_every_alarm_of_checkout_is_in_its_runbook(cell_graphs: Mapping[str, Graph]) -> None:
    known = patterns(RUNBOOK.read_text(encoding="utf-8"))
    for graph in cell_graphs.values():
        alarms = {a.inputs["name"].removeprefix("meridian-") for a in graph.of_type(ALARM)}
        mine = {name for name in alarms if name.startswith(("checkout-", "tokens-", "entry-api-", "unpublished-"))}

        assert mine
        assert {name for name in mine if not any(fnmatchcase(name, pattern) for pattern in known)} == set()
