"""The store on DynamoDB: consistent reads, and one transaction a commit, outbox entries included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from workloads.checkout.adapters import items, keys
from workloads.checkout.adapters.attributes import read_item, write_item
from workloads.checkout.adapters.batches import read_batch
from workloads.checkout.adapters.transactions import Writer, actions_of
from workloads.checkout.application.changes import AddOperation, Change
from workloads.checkout.application.outbox_entry import OutboxEntry
from workloads.checkout.application.ports import (
    Account,
    CheckoutRecord,
    ConcurrentWriteError,
    DepositRecord,
    OrderPlace,
    OrderRecord,
)
from workloads.checkout.domain.allotment import Allotment
from workloads.checkout.domain.command_record import CommandOutcome, CommandRecord
from workloads.checkout.domain.handover import Handover
from workloads.checkout.domain.ledger import EntryId, LedgerEntry
from workloads.checkout.domain.listing import Listing, Offer
from workloads.checkout.domain.operation import OperationRecord
from workloads.checkout.domain.order import Order
from workloads.checkout.domain.price import Price, newest
from workloads.checkout.domain.transfer import Receipt, Transfer
from workloads.contracts.clock import Clock
from workloads.contracts.envelope import encode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

_OUTBOX_RETENTION: Final = 14 * 24 * 3600
"""Seconds that an outbox entry lives: as long as the longest retention of what it feeds (SQS: 14 days)."""
_EXPIRED_AT_ONCE: Final = 100
"""Of each bucket: what is more waits for the next run."""
_CONFLICTS: Final = frozenset({"ConditionalCheckFailed", "TransactionConflict"})
"""The cancellation reasons that mean that another write came first; any other is a technical failure."""


class DynamoDbStore:
    """Implements `Store` on a table and its outbox table in one Region."""

    def __init__(
        self,
        client: DynamoDBClient,
        *,
        table: str,
        outbox: str,
        region: str,
        regions: Sequence[str],
        clock: Clock,
    ) -> None:
        self._client = client
        self._table = table
        self._outbox = outbox
        self._region = region
        self._regions = regions
        self._clock = clock
        self._writer = Writer(table, region, clock)

    def order(self, order_id: str) -> OrderRecord:
        """Return what is known under an order's id."""
        found = self._partition(keys.order(order_id)["pk"])
        order = found.get("ORDER")
        reservation = found.get("RESERVATION")
        return OrderRecord(
            order=items.read_order(order) if order else None,
            reservation=items.read_reservation(reservation) if reservation else None,
            handovers=_handovers(found),
            redrives=found.get("REDRIVES", {}).get("redrives", 0),
        )

    def checkout(self, order_id: str, customer_id: str) -> CheckoutRecord:
        """Return how far an order of a customer is, in one request."""
        places = {
            "order": keys.order(order_id),
            "reservation": keys.reservation(order_id),
            "payment": keys.ledger(customer_id, "DEBIT", order_id),
            "wallet": keys.wallet(customer_id),
        }
        found_items = read_batch(self._client, self._table, list(places.values()))
        by_key = {(item["pk"], item["sk"]): item for item in found_items}
        found = {part: by_key.get((key["pk"], key["sk"])) for part, key in places.items()}
        order, reservation, payment = found["order"], found["reservation"], found["payment"]
        return CheckoutRecord(
            account=_account(customer_id, found["wallet"]),
            order=items.read_order(order) if order else None,
            reservation=items.read_reservation(reservation) if reservation else None,
            payment=items.read_payment(payment) if payment else None,
        )

    def expired(self, now: str) -> Iterator[tuple[str, str]]:
        """Yield order and customer of each reservation of this Region that is to be given back."""
        for bucket in keys.expiry_buckets(self._region):
            answer = self._client.query(
                TableName=self._table,
                IndexName=keys.RESERVATIONS_BY_EXPIRY,
                KeyConditionExpression="expiry_bucket = :bucket AND expires_at <= :now",
                ExpressionAttributeValues=write_item({":bucket": bucket, ":now": now}),
                Limit=_EXPIRED_AT_ONCE,
            )
            for item in map(read_item, answer["Items"]):
                yield item["order_id"], item["customer_id"]

    def account(self, customer_id: str) -> Account:
        """Return a customer's home and wallet."""
        return _account(customer_id, self._get(keys.wallet(customer_id)))

    def deposit(self, customer_id: str, deposit_id: str) -> DepositRecord:
        """Return what is known under a deposit's id."""
        entry = self._get(keys.ledger(customer_id, "DEPOSIT", deposit_id))
        found = self._partition(keys.deposit_handover(deposit_id, self._region)["pk"])
        return DepositRecord(deposit=items.read_deposit(entry) if entry else None, handovers=_handovers(found))

    def placed(self, customer_id: str, *, after: OrderPlace | None, at_most: int) -> Sequence[OrderPlace]:
        """Return where a customer's orders stand, from the newest on, behind a place."""
        # Keys only: a page's worth is far under the 1 MB that a query returns at most.
        answer = self._client.query(
            TableName=self._table,
            IndexName=keys.ORDERS_BY_CUSTOMER,
            KeyConditionExpression="customer_id = :customer",
            ExpressionAttributeValues=write_item({":customer": customer_id}),
            ScanIndexForward=False,
            Limit=at_most,
            **_behind(keys.order_place(customer_id, after) if after else None),
        )
        return [items.read_place(item) for item in map(read_item, answer["Items"])]

    def orders(self, order_ids: Iterable[str]) -> Mapping[str, Order]:
        """Return those orders that there are, by id."""
        found = read_batch(self._client, self._table, [keys.order(order_id) for order_id in order_ids])
        return {order.id: order for order in map(items.read_order, found)}

    def ledger(self, customer_id: str, *, after: EntryId | None, at_most: int) -> Sequence[LedgerEntry]:
        """Return entries of a customer's ledger in the order of their ids, behind an id."""
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression="pk = :wallet AND begins_with(sk, :entry)",
            ExpressionAttributeValues=write_item(
                {":wallet": keys.wallet(customer_id)["pk"], ":entry": keys.ENTRY_PREFIX}
            ),
            ConsistentRead=True,
            Limit=at_most,
            **_behind(keys.ledger_entry(customer_id, after) if after else None),
        )
        return [items.read_entry(item) for item in map(read_item, answer["Items"])]

    def prices(self, skus: Iterable[str]) -> Mapping[str, Price]:
        """Return the price that counts of each SKU that has one."""
        found: dict[str, list[Price]] = {}
        for item in read_batch(
            self._client, self._table, [keys.price(sku, region) for sku in set(skus) for region in self._regions]
        ):
            price = items.read_price(item)
            found.setdefault(price.sku, []).append(price)
        return {sku: price for sku, prices in found.items() if (price := newest(prices)) is not None}

    def offers(self, skus: Iterable[str], region: str) -> Mapping[str, Offer]:
        """Return the offer, in one Region, of each SKU that has a price: one read, whatever there is to know."""
        wanted = set(skus)
        kinds = (keys.price, keys.listing)
        found = read_batch(
            self._client,
            self._table,
            [key(sku, said_in) for key in kinds for sku in wanted for said_in in self._regions],
        )
        return items.read_offers(found, region)

    def listings(self, sku: str) -> Sequence[Listing]:
        """Return what each Region tells about the sale of a SKU."""
        return [
            items.read_listing(item)
            for item in read_batch(self._client, self._table, [keys.listing(sku, said) for said in self._regions])
        ]

    def transfer(self, transfer_id: str, from_region: str) -> Transfer | None:
        """Return a transfer, and whether its receipt is known here."""
        key, receipt = keys.transfer(transfer_id, from_region), keys.receipt(transfer_id, from_region)
        found = self._partition(key["pk"])
        return items.read_transfer(found[key["sk"]], received=receipt["sk"] in found) if key["sk"] in found else None

    def receipt(self, transfer_id: str, from_region: str) -> Receipt | None:
        """Return the receipt of a transfer."""
        item = self._get(keys.receipt(transfer_id, from_region))
        return items.read_receipt(item) if item else None

    def allotments(self, skus: Iterable[str], region: str) -> Mapping[str, Allotment]:
        """Return a Region's allotment of each SKU that has one."""
        found = read_batch(self._client, self._table, [keys.allotment(sku, region) for sku in set(skus)])
        return {allotment.sku: allotment for allotment in map(items.read_allotment, found)}

    def command(self, command_id: str) -> CommandRecord | None:
        """Return what became of a command."""
        item = self._get(keys.command(command_id))
        return items.read_command(item) if item else None

    def operation(self, operation_id: str) -> OperationRecord | None:
        """Return what an operator did; of one that was handed over, what its home has told so far."""
        found = [items.read_operation(item) for _, item in sorted(self._operations(operation_id).items())]
        return min(found, key=lambda record: record.outcome is CommandOutcome.HANDED_OVER, default=None)

    def was_carried_out_here(self, operation_id: str) -> bool:
        """Return whether this Region has an entry of an operation."""
        return keys.operation(operation_id, self._region)["sk"] in self._operations(operation_id)

    def _operations(self, operation_id: str) -> Mapping[str, Mapping[str, Any]]:
        return self._partition(keys.operation(operation_id, self._region)["pk"])

    def commit(self, changes: Sequence[Change], entries: Sequence[OutboxEntry] = ()) -> None:
        """Make all changes, and put all entries into the outbox, or do nothing and raise ConcurrentWriteError."""
        written = [(type(change).__name__, action) for change in changes for action in actions_of(self._writer, change)]
        told = [change.told for change in changes if isinstance(change, AddOperation)]
        written += [("OutboxEntry", self._outbox_put(entry)) for entry in (*entries, *told)]
        actions = [action for _, action in written]
        # One token a decision: the client's own retries after a lost answer are answered, not refused. The next
        # decision gets another, because within ten minutes DynamoDB answers a known token without looking again.
        token = uuid4().hex
        try:
            self._client.transact_write_items(TransactItems=actions, ClientRequestToken=token)
        except self._client.exceptions.TransactionCanceledException as error:
            codes = {reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])}
            if codes & _CONFLICTS and codes <= _CONFLICTS | {"None"}:
                raise ConcurrentWriteError(_first_conflict(error.response, [kind for kind, _ in written])) from error
            raise
        except self._client.exceptions.TransactionInProgressException as error:
            message = "the same transaction is still under way"
            raise ConcurrentWriteError(message) from error

    def _outbox_put(self, entry: OutboxEntry) -> TransactWriteItemTypeDef:
        return {
            "Put": {
                "TableName": self._outbox,
                "Item": write_item(
                    {
                        "pk": entry.aggregate,
                        "sk": f"{entry.sequence:010d}",
                        "event": encode(entry.event).decode(),
                        # Named as in the event, because the stream's filter compares it (Lambda, event filtering).
                        "originregion": self._region,
                        "expires_at": int(self._clock.now().timestamp()) + _OUTBOX_RETENTION,
                    }
                ),
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }

    def _get(self, key: keys.Key) -> dict[str, Any] | None:
        answer = self._client.get_item(TableName=self._table, Key=write_item(key), ConsistentRead=True)
        return read_item(answer["Item"]) if "Item" in answer else None

    def _partition(self, pk: str) -> dict[str, dict[str, Any]]:
        """Return the few items under one partition key, by sort key: they fit into one page of 1 MB."""
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=write_item({":pk": pk}),
            ConsistentRead=True,
        )
        return {item["sk"]: item for item in map(read_item, answer["Items"])}


def _behind(key: keys.Key | None) -> dict[str, Any]:
    """Return the parameters of a query that goes on behind a key."""
    return {"ExclusiveStartKey": write_item(key)} if key else {}


def _account(customer_id: str, item: Mapping[str, Any] | None) -> Account:
    """A move of the home writes the item before there is money in it."""
    found = item or {}
    wallet = items.read_wallet(customer_id, found) if "balance" in found else None
    return Account(home=items.read_home(customer_id, found), wallet=wallet, order_bucket=found.get("order_bucket"))


def _handovers(found: Mapping[str, Mapping[str, Any]]) -> tuple[Handover, ...]:
    return tuple(items.read_handover(item) for sk, item in sorted(found.items()) if sk.startswith(keys.HANDOVER_PREFIX))


def _first_conflict(response: Any, kinds: Sequence[str]) -> str:
    for kind, reason in zip(kinds, response["CancellationReasons"], strict=True):
        if reason["Code"] in _CONFLICTS:
            return f"{reason['Code']} at {kind}"
    return "no reason was given"
