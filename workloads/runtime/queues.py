"""Sends messages to a queue in batches and tells, message by message, what was refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MAXIMUM_ENTRIES: Final = 10
"""A SendMessageBatch request takes at most 10 messages (Amazon SQS API Reference)."""


class QueueRefusedError(RuntimeError):
    """The queue did not take some messages; `codes` says why, by the position of the message."""

    def __init__(self, codes: Mapping[int, str]) -> None:
        super().__init__(f"the queue refused {len(codes)} messages ({', '.join(sorted(set(codes.values())))})")
        self.codes = dict(codes)


class QueueSender:
    """Sends to one standard queue."""

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, bodies: Sequence[str]) -> None:
        """Send all messages; raises QueueRefusedError with the positions of those that the queue did not take."""
        refused: dict[int, str] = {}
        numbered = iter(enumerate(bodies))
        while group := list(islice(numbered, MAXIMUM_ENTRIES)):
            answer = self._client.send_message_batch(
                QueueUrl=self._url,
                Entries=[{"Id": str(position), "MessageBody": body} for position, body in group],
            )
            refused |= {int(failure["Id"]): failure["Code"] for failure in answer.get("Failed", [])}
        if refused:
            raise QueueRefusedError(refused)
