"""The keys of checkout's table: the one place that knows them."""

from __future__ import annotations

from typing import Final, TypeAlias
from zlib import crc32

from workloads.checkout.application.ports import OrderPlace
from workloads.checkout.domain.ledger import EntryId
from workloads.checkout.domain.token import PARTITIONS, Token

Key: TypeAlias = dict[str, str]

HANDOVER_PREFIX: Final = "HANDOVER#"
"""Followed by the Region of arrival, so that no two Regions write the same item."""


RESERVATIONS_BY_EXPIRY: Final = "reservations-by-expiry"
"""The index of what is held, by the time at which it expires: an item without a bucket is not in it."""
ORDERS_BY_CUSTOMER: Final = "orders-by-customer"
"""The index of orders by customer and time: nothing else that names its customer has been placed."""
ENTRY_PREFIX: Final = "ENTRY#"
EXPIRY_BUCKET: Final = "expiry_bucket"
EXPIRY_BUCKETS: Final = 128
"""A key of an index takes 1,000 writes a second (DynamoDB Developer Guide), and an order writes two."""


def expiry_bucket(region: str, order_id: str) -> str:
    """Return the bucket of a Region in which a reservation waits for its expiry."""
    return _expiry_bucket(region, crc32(order_id.encode()) % EXPIRY_BUCKETS)


def expiry_buckets(region: str) -> list[str]:
    """Return all buckets of a Region."""
    return [_expiry_bucket(region, number) for number in range(EXPIRY_BUCKETS)]


def order(order_id: str) -> Key:
    """Return the key of an order."""
    return {"pk": f"ORDER#{order_id}", "sk": "ORDER"}


def reservation(order_id: str) -> Key:
    """Return the key of an order's reservation."""
    return {"pk": f"ORDER#{order_id}", "sk": "RESERVATION"}


def order_handover(order_id: str, region: str) -> Key:
    """Return the key of the handover of an order."""
    return {"pk": f"ORDER#{order_id}", "sk": f"{HANDOVER_PREFIX}{region}"}


def deposit_handover(deposit_id: str, region: str) -> Key:
    """Return the key of the handover of a deposit."""
    return {"pk": f"DEPOSIT#{deposit_id}", "sk": f"{HANDOVER_PREFIX}{region}"}


def wallet(customer_id: str) -> Key:
    """Return the key of a wallet."""
    return {"pk": f"WALLET#{customer_id}", "sk": "WALLET"}


def ledger(customer_id: str, kind: str, identifier: str) -> Key:
    """Return the key of a ledger entry: DEPOSIT, DEBIT or REFUND."""
    return {"pk": f"WALLET#{customer_id}", "sk": f"{ENTRY_PREFIX}{kind}#{identifier}"}


def ledger_entry(customer_id: str, entry: EntryId) -> Key:
    """Return the key of a ledger entry."""
    return ledger(customer_id, entry.kind.upper(), entry.subject)


def order_place(customer_id: str, place: OrderPlace) -> Key:
    """Return all keys of an order in the index of its customer's orders."""
    return {**order(place.order_id), "customer_id": customer_id, "placed_at": place.placed_at}


def price(sku: str, region: str) -> Key:
    """Return the key of what a Region was told about a price."""
    return {"pk": f"PRICE#{sku}", "sk": region}


def allotment(sku: str, region: str) -> Key:
    """Return the key of a Region's allotment."""
    return {"pk": f"ALLOTMENT#{sku}#{region}", "sk": "ALLOTMENT"}


def listing(sku: str, region: str) -> Key:
    """Return the key of what a Region tells about the sale of a SKU."""
    return {"pk": f"LISTING#{sku}", "sk": region}


def transfer(transfer_id: str, from_region: str) -> Key:
    """Return the key of a transfer."""
    return {"pk": f"TRANSFER#{transfer_id}", "sk": f"OUT#{from_region}"}


def receipt(transfer_id: str, from_region: str) -> Key:
    """Return the key of the receipt of a transfer: only the Region that receives writes it."""
    return {"pk": f"TRANSFER#{transfer_id}", "sk": f"IN#{from_region}"}


def command(command_id: str) -> Key:
    """Return the key of what became of a command."""
    return {"pk": f"COMMAND#{command_id}", "sk": "COMMAND"}


def redrives(order_id: str) -> Key:
    """Return the key of how often an order's saga was started again."""
    return {"pk": f"ORDER#{order_id}", "sk": "REDRIVES"}


def operation(operation_id: str, region: str) -> Key:
    """Return the key of what an operator did in a Region: one that is handed over has an entry in each of the two."""
    return {"pk": f"OPERATION#{operation_id}", "sk": region}


def trail(region: str, acted_at: str, operation_id: str) -> Key:
    """Return the key of the same in the trail of a Region's day."""
    return {"pk": f"OPERATIONS#{region}#{acted_at[:10]}", "sk": f"{acted_at}#{operation_id}"}


def audited_sku(region: str, sku: str) -> Key:
    """Return the key of a SKU that a Region's auditor has met."""
    return {"pk": f"AUDIT#{region}", "sk": f"SKU#{sku}"}


def token(token: Token, region: str) -> Key:
    """Return the key of a token: spread over partition keys, so that no one partition carries a generation."""
    return {
        "pk": token_partition(token.sku, region, token.generation, token.number % PARTITIONS),
        "sk": f"{token.number:010d}",
    }


def token_partition(sku: str, region: str, generation: int, partition: int) -> str:
    """Return one of the partition keys of a generation's tokens."""
    return f"TOKEN#{sku}#{region}#{generation}#{partition}"


def pool(number: int, region: str) -> Key:
    """Return the key of the owner of one of a Region's pools of tokens."""
    return {"pk": f"POOL#{region}#{number}", "sk": "POOL"}


def _expiry_bucket(region: str, number: int) -> str:
    return f"{region}#{number:03d}"
