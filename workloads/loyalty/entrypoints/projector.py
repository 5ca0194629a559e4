"""The service `loyalty-projector`: follows the queue of hints and keeps this Region's balances up to date.

`python -m workloads.loyalty.entrypoints.projector` runs until SIGTERM, finishes the batch at hand and exits with 0.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Final

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from workloads.loyalty.adapters.hints import MAXIMUM_BATCH, DeletionRefusedError, Hint, HintQueue, ReceivedHint
from workloads.loyalty.application.project_balance import project_balance
from workloads.loyalty.entrypoints.heartbeat import Heartbeat
from workloads.loyalty.entrypoints.wiring import ForCustomer, wired
from workloads.runtime import aws
from workloads.runtime.environment import required
from workloads.runtime.logging import logger

_LONGEST_PAUSE: Final = 16.0
"""Seconds between tries while the queue does not answer; shorter than the heartbeat's bound."""

_LOG: Final = logger("loyalty-projector")


class Interrupted(BaseException):
    """SIGTERM came while the loop only waited. Not an Exception: no handler between here and the loop may keep it."""


class Stop:
    """Tells the loop to end: at once while it waits, after the batch while it works."""

    def __init__(self) -> None:
        self.requested = False
        self.waiting = False

    def listen(self) -> None:
        """Take SIGTERM (what ECS sends first) and SIGINT (what a terminal sends)."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
        if self.waiting:
            raise Interrupted


class Projector:
    """Receives hints, projects each customer that they name, and deletes the hints of those that succeeded."""

    def __init__(self, queue: HintQueue, project: ForCustomer, heartbeat: Heartbeat, stop: Stop) -> None:
        self._queue = queue
        self._project = project
        self._heartbeat = heartbeat
        self._stop = stop
        # A projection mostly waits for DynamoDB, so the customers of one batch go side by side.
        self._workers = ThreadPoolExecutor(MAXIMUM_BATCH)

    def run(self) -> None:
        """Follow the queue until stopped."""
        _LOG.info("started")
        try:
            while hints := self._next_hints():
                self._stop.waiting = False
                self.handle(hints)
        except Interrupted:
            # A hint that arrived at this very moment comes again after its visibility time-out.
            pass
        finally:
            self._workers.shutdown()
        _LOG.info("stopped")

    def handle(self, hints: Sequence[ReceivedHint]) -> None:
        """Project the customers of a batch; what fails stays in the queue and comes again, up to its redrive bound."""
        customers: dict[str, list[ReceivedHint]] = {}
        for hint in hints:
            try:
                customer_id = msgspec.json.decode(hint.body, type=Hint).customer_id
            except msgspec.MsgspecError:
                _LOG.exception("this is no hint", extra={"message_id": hint.message_id})
                continue
            customers.setdefault(customer_id, []).append(hint)
        succeeded = list(self._workers.map(self._succeeds, customers))
        done = [hint for ok, hints in zip(succeeded, customers.values(), strict=True) if ok for hint in hints]
        try:
            self._queue.delete(done)
        except (BotoCoreError, ClientError, DeletionRefusedError):
            _LOG.exception("hints were handled but not deleted: they come again", extra={"hints": len(done)})

    def _next_hints(self) -> Sequence[ReceivedHint]:
        """Wait for hints; return none only when asked to stop."""
        failures = 0
        while True:
            self._heartbeat.beat()
            self._stop.waiting = True
            if self._stop.requested:
                return ()
            try:
                if hints := self._queue.receive():
                    return hints
                failures = 0
            except (BotoCoreError, ClientError):
                _LOG.exception("the queue did not answer")
                time.sleep(min(2**failures, _LONGEST_PAUSE))
                failures += 1

    def _succeeds(self, customer_id: str) -> bool:
        try:
            balance = self._project(customer_id)
        except Exception:  # noqa: BLE001 - the rim: one customer's failure must not keep the others waiting
            _LOG.exception("projection failed", extra={"customer_id": customer_id})
            return False
        _LOG.info("projected", extra={"customer_id": customer_id, "version": balance.version})
        return True


def main() -> int:
    """Run the service; return the exit code."""
    stop = Stop()
    stop.listen()
    queue = HintQueue(aws.sqs_for_long_polls(), required("PROJECTION_HINTS_QUEUE_URL"))
    Projector(queue, wired(project_balance), Heartbeat.of_environment(), stop).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
