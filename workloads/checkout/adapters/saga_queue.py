"""How many orders wait to begin: the length of the queue of saga starts, asked for at most once a second."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from workloads.runtime.logging import logger

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_LASTS_SECONDS: Final = 1.0
_log: Final = logger("saga-queue")


class SqsSagaQueue:
    """Implements `SagaQueue` on SQS; the answer is kept in the function's memory between requests."""

    def __init__(self, client: Callable[[], SQSClient], url: str, *, monotonic: Callable[[], float]) -> None:
        self._client = cache(client)
        self._url = url
        self._monotonic = monotonic
        # A function's first second belongs to its first caller, who has waited for its start already.
        self._asked_at = monotonic()
        self._waiting = 0

    def waiting(self) -> int:
        """Return about how many messages wait (SQS counts approximately, and what is in flight is being begun).

        While SQS does not say, the last answer counts: orders are not turned away because nobody knows.
        """
        now = self._monotonic()
        if now - self._asked_at >= _LASTS_SECONDS:
            self._asked_at = now
            try:
                self._waiting = self._ask()
            except (BotoCoreError, ClientError):
                _log.exception("the queue of saga starts does not tell its length", extra={"assumed": self._waiting})
        return self._waiting

    def _ask(self) -> int:
        answer = self._client().get_queue_attributes(QueueUrl=self._url, AttributeNames=["ApproximateNumberOfMessages"])
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])
