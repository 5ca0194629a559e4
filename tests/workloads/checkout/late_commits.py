"""Commits that arrive when everybody has given up on them: what a slow function or network does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from tests.workloads.checkout.cell import MemoryCells
from tests.workloads.regions import HERE
from workloads.checkout.application.ports import Ports

Commit = Callable[[], Any]


class LostAnswerError(RuntimeError):
    """The write happened, or not, and its answer never came."""


class LateCommits:
    """A way to the present for reads, on which commits stay behind; the caller gets no answer."""

    def __init__(self, cells: MemoryCells, region: str = HERE) -> None:
        self.kept: list[Commit] = []
        self.ports: Ports = cells.ports(region, client=cells.aws.dynamodb(region, self._network))

    def _network(
        self, operation: str, _request: Mapping[str, Any], carry_out: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        if operation != "TransactWriteItems":
            return carry_out()
        self.kept.append(carry_out)
        raise LostAnswerError


def arrive(commits: Iterable[Commit]) -> None:
    """Let late commits arrive, as their conditions allow."""
    for commit in commits:
        with suppress(ClientError):
            commit()
