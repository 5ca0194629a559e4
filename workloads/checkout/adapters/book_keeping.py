"""The books for the auditor: one scan of the table in this Region at a bounded rate, and the bucket of what is left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from heapq import nsmallest
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any, Final

import msgspec

from workloads.checkout.adapters import items, keys
from workloads.checkout.adapters.attributes import read_item, write_item
from workloads.checkout.adapters.token_ledger import DynamoDbTokenLedger
from workloads.checkout.application.books import (
    AllotmentBooks,
    Books,
    Ledger,
    OrderBooks,
    ScanTooLongError,
    TokenBooks,
    TransferBooks,
    WalletBooks,
)
from workloads.checkout.application.ports import Account
from workloads.checkout.domain.audit import History, Unpublished
from workloads.checkout.domain.matching import OrderPayment
from workloads.checkout.domain.token import PARTITIONS, Token, TokenRecord

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

_NAMED_OBJECTS: Final = 10
"""So many objects are enough to call a person: the oldest ones."""
_PAGES_OF_OBJECTS: Final = 100
"""Of 1,000 objects each (ListObjectsV2 returns no more), in the order of their names: what is older comes after them
only where more than 100,000 lie there. The listing costs 5 cents a day then."""


class ReadBudget(msgspec.Struct, frozen=True, kw_only=True):
    """What one audit may read. A read unit is 4 KB, read consistently (DynamoDB Developer Guide, read consumption)."""

    units_per_second: int = 2000
    """Of the 12,000 that a table on demand serves from its first minute: the customers' reads come first."""
    seconds: int = 780
    """Under the function's 15 minutes. In all 1.56 million units, a table of 6 GB: 20 cents an audit."""


class DynamoDbBookKeeping:
    """Implements `BookKeeping`."""

    def __init__(
        self,
        dynamodb: DynamoDBClient,
        s3: S3Client,
        *,
        table: str,
        bucket: str,
        region: str,
        budget: ReadBudget,
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._dynamodb = dynamodb
        self._s3 = s3
        self._tokens = DynamoDbTokenLedger(dynamodb, table=table, region=region)
        self._table = table
        self._bucket = bucket
        self._region = region
        self._budget = budget
        self._monotonic = monotonic
        self._sleep = sleep

    def audited_skus(self) -> Sequence[str]:
        """Return the SKUs of this Region that an earlier audit has met."""
        return [item["sku"] for item in self._query(keys.audited_sku(self._region, "")["pk"])]

    def remember_skus(self, skus: Iterable[str]) -> None:
        """Have the next audit judge these too."""
        for sku in sorted(skus):
            fields = {**keys.audited_sku(self._region, sku), "sku": sku, "origin_region": self._region}
            self._dynamodb.put_item(TableName=self._table, Item=write_item(fields))

    def books(self) -> Iterator[Books]:
        """Return everything that was committed before it was called; raises ScanTooLongError."""
        # A scan returns the items of a partition key one after the other, whatever page they are on.
        for pk, found in groupby(self._scan(), key=lambda item: str(item["pk"])):
            by_sk = {str(item["sk"]): item for item in found}
            books = _books(pk, by_sk, self._region)
            if books is not None:
                yield books

    def ledger(self, customer_id: str) -> Ledger:
        """Return what a wallet's entries come to."""
        return _ledger(self._query(keys.wallet(customer_id)["pk"]))

    def token(self, token: Token) -> TokenRecord | None:
        """Return what is known of a token of this Region; None where it never was anybody's."""
        return self._tokens.records([token]).get(token)

    def tokens(self, sku: str, generation: int) -> Iterator[TokenRecord]:
        """Return what is known of a generation of this Region's tokens."""
        for partition in range(PARTITIONS):
            yield from self._tokens.partition(sku, generation, partition).values()

    def unpublished(self) -> Sequence[Unpublished]:
        """Return the oldest objects, some at most, that keep what could not be published, the oldest first."""
        return nsmallest(_NAMED_OBJECTS, self._objects(), key=lambda found: found.since)

    def _objects(self) -> Iterator[Unpublished]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket)
        for page in islice(pages, _PAGES_OF_OBJECTS):
            for found in page.get("Contents", []):
                if "Key" in found and "LastModified" in found:
                    yield Unpublished(found["Key"], found["LastModified"])

    def _scan(self) -> Iterator[dict[str, Any]]:
        started = self._monotonic()
        units = 0.0
        request: dict[str, Any] = {
            "TableName": self._table,
            # What was committed before the scan began is seen: without this, it could be missed.
            "ConsistentRead": True,
            "ReturnConsumedCapacity": "TOTAL",
        }
        while True:
            page = self._dynamodb.scan(**request)
            yield from map(read_item, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
            units += page.get("ConsumedCapacity", {}).get("CapacityUnits", 0)
            elapsed = self._monotonic() - started
            if elapsed > self._budget.seconds:
                message = (
                    f"the table is too large for one audit: after {elapsed:.0f} s and {units:.0f} read units it is not "
                    f"through; let it read more than {self._budget.units_per_second} units a second"
                )
                raise ScanTooLongError(message)
            self._sleep(max(0.0, units / self._budget.units_per_second - elapsed))

    def _query(self, pk: str) -> Iterator[dict[str, Any]]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=write_item({":pk": pk}),
            ConsistentRead=True,
        )
        for page in pages:
            yield from map(read_item, page["Items"])


def _books(pk: str, found: Mapping[str, Mapping[str, Any]], region: str) -> Books | None:
    kind, _, identifier = pk.partition("#")
    match kind:
        case "ORDER":
            return _order_books(identifier, found.get("ORDER"), found.get("RESERVATION"))
        case "WALLET":
            item = found.get("WALLET", {})
            wallet = items.read_wallet(identifier, item) if "balance" in item else None
            account = Account(home=items.read_home(identifier, item), wallet=wallet)
            return WalletBooks(customer_id=identifier, account=account, ledger=_ledger(found.values()))
        case "ALLOTMENT":
            return AllotmentBooks(allotment=items.read_allotment(found["ALLOTMENT"]))
        case "TOKEN":
            return _token_books(identifier, found)
        case "TRANSFER":
            return _transfer_books(identifier, found, region)
        case _:
            return None


def _token_books(partition: str, found: Mapping[str, Mapping[str, Any]]) -> TokenBooks:
    sku, region, generation, _ = partition.rsplit("#", 3)
    return TokenBooks(
        region=region,
        records=tuple(
            items.read_token(Token(sku, int(generation), int(number)), item) for number, item in found.items()
        ),
    )


def _transfer_books(transfer_id: str, found: Mapping[str, Mapping[str, Any]], region: str) -> TransferBooks | None:
    """Return the transfer that left this Region: another one's, under the same id, is that Region's."""
    item = found.get(keys.transfer(transfer_id, region)["sk"])
    received = keys.receipt(transfer_id, region)["sk"] in found
    return TransferBooks(transfer=items.read_transfer(item, received=received)) if item else None


def _order_books(
    order_id: str, order: Mapping[str, Any] | None, reservation: Mapping[str, Any] | None
) -> OrderBooks | None:
    written = order or reservation
    if written is None:
        return None  # only handed over, so far: its home has not written it
    return OrderBooks(
        order_id=order_id,
        region=written["home"] if order else written["origin_region"],
        order=items.read_order(order) if order else None,
        history=_history(reservation) if reservation else None,
    )


def _history(item: Mapping[str, Any]) -> History:
    return History(
        reservation=items.read_reservation(item),
        held_at=item.get("held_at"),
        ended_at=item.get("ended_at"),
        returned_at=item.get("returned_at"),
    )


def _ledger(entries: Iterable[Mapping[str, Any]]) -> Ledger:
    """Return what a ledger's entries come to: a refused debit is one of nothing."""
    total = 0
    payments: dict[str, OrderPayment] = {}
    for entry in entries:
        match entry["sk"].split("#", 2):
            case ["ENTRY", "DEPOSIT", _]:
                total += entry["amount"]
            case ["ENTRY", "REFUND", order_id]:
                total += entry["amount"]
                payments[order_id] = _with(payments, order_id, -entry["amount"], None)
            case ["ENTRY", "DEBIT", order_id]:
                total -= entry["amount"]
                payments[order_id] = _with(payments, order_id, entry["amount"], entry.get("made_at"))
            case _:
                continue
    return Ledger(total, payments)


def _with(payments: Mapping[str, OrderPayment], order_id: str, amount: int, paid_at: str | None) -> OrderPayment:
    """Return an order's payment with one entry more."""
    before = payments.get(order_id, OrderPayment(0))
    return OrderPayment(before.amount + amount, before.paid_at or paid_at)
