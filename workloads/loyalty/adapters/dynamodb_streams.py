"""The event streams in the replicated table `loyalty-events`, which is loyalty's outbox too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from workloads.contracts.envelope import decode, encode
from workloads.loyalty.application.ports import Appended
from workloads.loyalty.domain.accounts import Entry, entry_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, TransactWriteItemTypeDef

_CONDITION_FAILED: Final = "ConditionalCheckFailed"
_CONFLICT: Final = "TransactionConflict"


class UnexpectedItemError(RuntimeError):
    """An item of the event table has not the shape that this context writes."""

    def __init__(self, key: str, attribute: str) -> None:
        super().__init__(f"the item {key} has no text in {attribute!r}: only loyalty may write this table")


class DynamoDBStreams:
    """Reads and appends streams. Event items are `ACC#<customer>#<Region>` / `E#<sequence>`; of the customer they
    carry nothing but the id.
    """

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def head(self, customer_id: str, region: str) -> Entry | None:
        """Return the last entry of a stream."""
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression="pk = :stream",
            ExpressionAttributeValues={":stream": {"S": _stream(customer_id, region)}},
            ScanIndexForward=False,
            Limit=1,
            ConsistentRead=True,
        )
        return next((_entry(item) for item in answer["Items"]), None)

    def append(self, entry: Entry) -> Appended:
        """Put the event and the guard of its award in one transaction, each only where there is none yet."""
        guard = f"AWARD#{entry.change.purchase_id}#{entry.change.rule}"
        event: dict[str, AttributeValueTypeDef] = {
            "pk": {"S": _stream(entry.customer_id, entry.region)},
            "sk": {"S": _position(entry.sequence)},
            "event": {"S": encode(entry.event).decode()},
        }
        items = [self._put(event, entry.region), self._put({"pk": {"S": guard}, "sk": {"S": "AWARD"}}, entry.region)]
        try:
            self._client.transact_write_items(TransactItems=items)
        except self._client.exceptions.TransactionCanceledException as error:
            return _refusal(error)
        except self._client.exceptions.TransactionInProgressException:
            return Appended.POSITION_TAKEN
        return Appended.RECORDED

    def read_on(self, customer_id: str, region: str, *, after: int) -> Iterator[Entry]:
        """Yield a stream's entries behind a position.

        Consistently: the hint that asked for this read may be the last for a long time, and a read that misses its
        event would leave the balance behind.
        """
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :stream AND sk > :position",
            ExpressionAttributeValues={
                ":stream": {"S": _stream(customer_id, region)},
                ":position": {"S": _position(after)},
            },
            ConsistentRead=True,
        )
        for page in pages:
            for item in page["Items"]:
                yield _entry(item)

    def _put(self, item: dict[str, AttributeValueTypeDef], region: str) -> TransactWriteItemTypeDef:
        return {
            "Put": {
                "TableName": self._table,
                "Item": {**item, "originregion": {"S": region}},
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }


def _refusal(error: ClientError) -> Appended:
    """Tell from the reasons of a cancelled transaction, one an item, what became of the append; or raise the error."""
    reasons = [reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])]
    match reasons:
        case [_, "ConditionalCheckFailed"]:
            return Appended.ALREADY_AWARDED
        case [*codes] if _CONDITION_FAILED in codes or _CONFLICT in codes:
            return Appended.POSITION_TAKEN
        case _:
            raise error


def _entry(item: dict[str, AttributeValueTypeDef]) -> Entry:
    text = item.get("event", {}).get("S")
    if text is None:
        raise UnexpectedItemError(str(item.get("pk", {}).get("S")), "event")
    return entry_of(decode(text))


def _stream(customer_id: str, region: str) -> str:
    return f"ACC#{customer_id}#{region}"


def _position(sequence: int) -> str:
    return f"E#{sequence:010d}"
