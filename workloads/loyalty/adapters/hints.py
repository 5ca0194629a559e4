"""The queue of hints: a hint names a customer whose streams have something new, and carries nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from workloads.contracts.identifiers import CustomerId

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MAXIMUM_BATCH: Final = 10
"""Messages in one request (Amazon SQS API reference, ReceiveMessage, DeleteMessageBatch)."""
_LONGEST_POLL: Final = 20
"""Seconds (SQS developer guide, long polling)."""


class Hint(msgspec.Struct, frozen=True, rename="camel"):
    """Read on: the order in which hints arrive, and how often, means nothing."""

    customer_id: CustomerId


class ReceivedHint(msgspec.Struct, frozen=True, kw_only=True):
    """A message of the queue, as it came."""

    message_id: str
    receipt: str
    body: str


class DeletionRefusedError(RuntimeError):
    """The queue did not delete some messages: they will come again, which changes nothing."""

    def __init__(self, codes: Sequence[str]) -> None:
        super().__init__(f"the queue refused to delete {len(codes)} hints ({', '.join(codes)}): they will come again")


class HintQueue:
    """Receives and deletes hints."""

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url

    def receive(self) -> list[ReceivedHint]:
        """Return up to ten hints; wait for the first as long as a poll may last."""
        answer = self._client.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=MAXIMUM_BATCH, WaitTimeSeconds=_LONGEST_POLL
        )
        return [
            ReceivedHint(
                message_id=message.get("MessageId", ""),
                receipt=message.get("ReceiptHandle", ""),
                body=message.get("Body", ""),
            )
            for message in answer.get("Messages", [])
        ]

    def delete(self, hints: Sequence[ReceivedHint]) -> None:
        """Delete up to ten received hints; raises DeletionRefusedError."""
        if not hints:
            return
        answer = self._client.delete_message_batch(
            QueueUrl=self._url,
            Entries=[{"Id": str(index), "ReceiptHandle": hint.receipt} for index, hint in enumerate(hints)],
        )
        if refused := answer.get("Failed", []):
            raise DeletionRefusedError([entry["Code"] for entry in refused])
