"""The customers' rows in the replicated table `single-view`: one item a fact, under the customer's key."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from workloads.contracts.money import Money
from workloads.singleview.application.ports import PageTokenError, View
from workloads.singleview.domain.facts import Fact, Order, Points, Wallet

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = dict[str, AttributeValueTypeDef]

ORDERS_A_PAGE: Final = 50

_WALLET: Final = "WALLET"
_POINTS: Final = "POINTS"
_ORDER: Final = "ORDER#"
# Read downwards, a row is the wallet, the points, then the orders from the newest on: one query answers the usual
# request, and asking for one order too many tells whether there is another page.
_FACTS_BESIDE_ORDERS: Final = 2
_LONGEST_SORT_KEY: Final = 1024
"""Bytes (Amazon DynamoDB developer guide, quotas)."""


class UnexpectedItemError(RuntimeError):
    """An item of the table has not the shape that this context writes."""

    def __init__(self, attribute: str) -> None:
        super().__init__(f"an item of the Single View has no {attribute!r}: only singleview may write this table")


class DynamoDBRows:
    """Each item's `sequence` guards it: a repeat, or an event that was overtaken, changes nothing."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def record(self, fact: Fact, *, origin_region: str) -> bool:
        """Put the item unless one of the same or a later sequence is there."""
        item: Item = {
            "pk": {"S": _customer(fact.customer_id)},
            "sk": {"S": _sort_key(fact)},
            "sequence": {"N": str(fact.sequence)},
            "origin_region": {"S": origin_region},
            **_attributes(fact),
        }
        try:
            self._client.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(pk) OR #sequence < :sequence",
                ExpressionAttributeNames={"#sequence": "sequence"},
                ExpressionAttributeValues={":sequence": item["sequence"]},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def read(self, customer_id: str, *, page_token: str | None) -> View:
        """Return a page; wallet and points stand on every page."""
        if page_token is None:
            items = self._items(
                customer_id, from_key=_ORDER, to_key=_WALLET, limit=ORDERS_A_PAGE + _FACTS_BESIDE_ORDERS + 1
            )
        else:
            facts = self._items(customer_id, from_key=_POINTS, to_key=_WALLET, limit=_FACTS_BESIDE_ORDERS)
            last = _open_token(page_token)
            orders = self._items(customer_id, from_key=_ORDER, to_key=last, limit=ORDERS_A_PAGE + 2)
            items = facts + [item for item in orders if item["sk"] != {"S": last}]
        return _view(customer_id, items)

    def _items(self, customer_id: str, *, from_key: str, to_key: str, limit: int) -> list[Item]:
        """Return a row's items between two sort keys, both included, from the last on."""
        return self._client.query(
            TableName=self._table,
            KeyConditionExpression="pk = :customer AND sk BETWEEN :from_key AND :to_key",
            ExpressionAttributeValues={
                ":customer": {"S": _customer(customer_id)},
                ":from_key": {"S": from_key},
                ":to_key": {"S": to_key},
            },
            ScanIndexForward=False,
            Limit=limit,
        )["Items"]


def _view(customer_id: str, items: Sequence[Item]) -> View:
    by_key = {_text(item, "sk"): item for item in items}
    orders = [key for key in by_key if key.startswith(_ORDER)]
    shown = orders[:ORDERS_A_PAGE]
    return View(
        wallet=_wallet(customer_id, by_key[_WALLET]) if _WALLET in by_key else None,
        points=_points(customer_id, by_key[_POINTS]) if _POINTS in by_key else None,
        orders=tuple(_order(customer_id, by_key[key]) for key in shown),
        next_page_token=_token(shown[-1]) if len(orders) > len(shown) else None,
    )


def _customer(customer_id: str) -> str:
    return f"CUSTOMER#{customer_id}"


def _sort_key(fact: Fact) -> str:
    match fact:
        case Wallet():
            return _WALLET
        case Points():
            return _POINTS
        case Order():
            return f"{_ORDER}{fact.placed_at}#{fact.order_id}"


def _attributes(fact: Fact) -> Item:
    match fact:
        case Wallet():
            return {"balance": {"N": str(fact.balance.minor_units)}, "currency": {"S": fact.balance.currency}}
        case Points():
            return {"balance": {"N": str(fact.balance)}}
        case Order():
            reason: Item = {"reason": {"S": fact.reason}} if fact.reason else {}
            return {
                "order_id": {"S": fact.order_id},
                "state": {"S": fact.state},
                "total": {"N": str(fact.total.minor_units)},
                "currency": {"S": fact.total.currency},
                "placed_at": {"S": fact.placed_at},
                **reason,
            }


def _wallet(customer_id: str, item: Item) -> Wallet:
    balance = Money(_number(item, "balance"), _text(item, "currency"))
    return Wallet(customer_id=customer_id, balance=balance, sequence=_number(item, "sequence"))


def _points(customer_id: str, item: Item) -> Points:
    return Points(customer_id=customer_id, balance=_number(item, "balance"), sequence=_number(item, "sequence"))


def _order(customer_id: str, item: Item) -> Order:
    return Order(
        customer_id=customer_id,
        order_id=_text(item, "order_id"),
        state=_text(item, "state"),
        total=Money(_number(item, "total"), _text(item, "currency")),
        placed_at=_text(item, "placed_at"),
        sequence=_number(item, "sequence"),
        reason=item.get("reason", {}).get("S"),
    )


def _token(sort_key: str) -> str:
    return base64.urlsafe_b64encode(sort_key.encode()).decode().rstrip("=")


def _open_token(token: str) -> str:
    try:
        sort_key = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except (binascii.Error, ValueError) as error:
        raise PageTokenError from error
    if not sort_key.startswith(_ORDER) or len(sort_key) > _LONGEST_SORT_KEY:
        raise PageTokenError
    return sort_key


def _text(item: Item, name: str) -> str:
    value = item.get(name, {}).get("S")
    if value is None:
        raise UnexpectedItemError(name)
    return value


def _number(item: Item, name: str) -> int:
    value = item.get(name, {}).get("N")
    if value is None:
        raise UnexpectedItemError(name)
    return int(value)
