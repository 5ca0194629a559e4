"""Each change as one action of a DynamoDB transaction, with its condition. No change touches another's item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workloads.checkout.adapters import items, keys
from workloads.checkout.adapters.attributes import Plain, write_item
from workloads.checkout.application.changes import (
    AddCommandRecord,
    AddDeposit,
    AddDepositHandover,
    AddOrder,
    AddOrderHandover,
    AddPayment,
    AddReservation,
    Change,
    ChangeWallet,
    CheckHome,
    CheckNothingHeld,
    CheckNotPaid,
    CheckOrderPending,
    CheckPaid,
    EndOrder,
    MoveReservation,
    RefundPayment,
    ReturnStock,
    SetAllotmentItem,
    SetPriceItem,
    TakeStock,
)
from workloads.checkout.domain.home import Home
from workloads.checkout.domain.order import Order, OrderState
from workloads.checkout.domain.reservation import Allotment, ReservationState
from workloads.checkout.domain.wallet import PaymentState, Wallet
from workloads.contracts.identifiers import region_of_birth

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

_ABSENT = "attribute_not_exists(pk)"


class Actions:
    """Writes changes as actions on one table, in one Region, which every item that is written names as its origin."""

    def __init__(self, table: str, region: str) -> None:
        self._table = table
        self._region = region

    def of(self, change: Change) -> list[TransactWriteItemTypeDef]:  # noqa: C901, PLR0911, PLR0912 - one branch a kind
        """Return the actions of a change: one, or two where a ledger entry and its payment move together."""
        match change:
            case AddOrder(order=order):
                return [self._add(keys.order(order.id), items.write_order(order))]
            case EndOrder(order=order):
                return [self._end_order(order)]
            case CheckOrderPending(order=order):
                return [self._check(keys.order(order.id), *_pending(order))]
            case CheckHome(customer_id=customer_id, home=home):
                return [self._check(keys.wallet(customer_id), *_at_home(customer_id, home))]
            case AddReservation(reservation=reservation):
                return [self._add(keys.reservation(reservation.order_id), items.write_reservation(reservation))]
            case MoveReservation(reservation=reservation):
                return [
                    self._update(
                        keys.reservation(reservation.order_id),
                        {"state": reservation.state.value},
                        "#state = :held",
                        {":held": ReservationState.HELD.value},
                    )
                ]
            case CheckNothingHeld(order_id=order_id):
                held: dict[str, Plain] = {":held": ReservationState.HELD.value}
                return [self._check(keys.reservation(order_id), f"{_ABSENT} OR #state <> :held", held)]
            case TakeStock(sku=sku, region=region, units=units):
                return [self._move_stock(sku, region, -units, "#free >= :units")]
            case ReturnStock(sku=sku, region=region, units=units):
                return [self._move_stock(sku, region, units, "attribute_exists(pk)")]
            case ChangeWallet(wallet=wallet):
                return [self._change_wallet(wallet)]
            case AddDeposit(deposit=deposit):
                key = keys.ledger(deposit.customer_id, "DEPOSIT", deposit.id)
                return [self._add(key, items.write_deposit(deposit))]
            case AddPayment(payment=payment):
                key = keys.ledger(payment.customer_id, "DEBIT", payment.order_id)
                return [self._add(key, items.write_payment(payment))]
            case RefundPayment(payment=payment, refunded_at=refunded_at):
                debit = keys.ledger(payment.customer_id, "DEBIT", payment.order_id)
                refund = keys.ledger(payment.customer_id, "REFUND", payment.order_id)
                state: dict[str, Plain] = {"state": payment.state.value}
                return [
                    self._update(debit, state, "#state = :paid", {":paid": PaymentState.PAID.value}),
                    self._add(refund, items.write_refund(payment, refunded_at)),
                ]
            case CheckPaid(customer_id=customer_id, order_id=order_id):
                key = keys.ledger(customer_id, "DEBIT", order_id)
                return [self._check(key, "#state = :paid", {":paid": PaymentState.PAID.value})]
            case CheckNotPaid(customer_id=customer_id, order_id=order_id):
                key = keys.ledger(customer_id, "DEBIT", order_id)
                return [self._check(key, f"{_ABSENT} OR #state <> :paid", {":paid": PaymentState.PAID.value})]
            case SetPriceItem(price=price):
                key = keys.price(price.sku, price.region)
                newer: dict[str, Plain] = {":version": price.version}
                return [self._put(key, items.write_price(price), f"{_ABSENT} OR version < :version", newer)]
            case SetAllotmentItem(before=before, after=after):
                return [self._set_allotment(before, after)]
            case AddOrderHandover(handover=handover):
                key = keys.order_handover(handover.subject, handover.region)
                return [self._add(key, items.write_handover(handover))]
            case AddDepositHandover(handover=handover):
                key = keys.deposit_handover(handover.subject, handover.region)
                return [self._add(key, items.write_handover(handover))]
            case AddCommandRecord(record=record):
                return [self._add(keys.command(record.command_id), items.write_command(record))]

    def _end_order(self, order: Order) -> TransactWriteItemTypeDef:
        condition, values = _pending(order)
        ended: dict[str, Plain] = {"state": order.state.value, "sequence": order.sequence}
        if order.reason is not None:
            ended["reason"] = order.reason.value
        return self._update(keys.order(order.id), ended, condition, values)

    def _change_wallet(self, wallet: Wallet) -> TransactWriteItemTypeDef:
        at_home, values = _at_home(wallet.customer_id, wallet.home)
        # A first deposit opens the wallet, also on an item that a move of the home wrote before there was money.
        unchanged = "attribute_not_exists(version)" if wallet.version == 1 else "version = :before"
        if wallet.version > 1:
            values = {**values, ":before": wallet.version - 1}
        changed: dict[str, Plain] = {
            "customer_id": wallet.customer_id,
            "balance": wallet.balance.minor_units,
            "currency": wallet.balance.currency,
            "version": wallet.version,
        }
        return self._update(keys.wallet(wallet.customer_id), changed, f"{unchanged} AND {at_home}", values)

    def _set_allotment(self, before: Allotment | None, after: Allotment) -> TransactWriteItemTypeDef:
        key = keys.allotment(after.sku, after.region)
        if before is None:
            fields: items.Fields = {
                "sku": after.sku,
                "region": after.region,
                "allotted": after.allotted,
                "free": after.free,
                "version": after.version,
            }
            return self._add(key, fields)
        # `free` moves with every order meanwhile: the difference is added, not what it was read to be.
        return {
            "Update": {
                "TableName": self._table,
                "Key": write_item(key),
                "UpdateExpression": (
                    "SET allotted = :allotted, version = :version, origin_region = :origin ADD #free :difference"
                ),
                "ConditionExpression": "version = :before",
                "ExpressionAttributeNames": {"#free": "free"},
                "ExpressionAttributeValues": write_item(
                    {
                        ":allotted": after.allotted,
                        ":version": after.version,
                        ":before": before.version,
                        ":difference": after.allotted - before.allotted,
                        ":origin": self._region,
                    }
                ),
            }
        }

    def _move_stock(self, sku: str, region: str, units: int, condition: str) -> TransactWriteItemTypeDef:
        values: dict[str, Plain] = {":difference": units, ":origin": self._region}
        if ":units" in condition:
            values[":units"] = -units
        return {
            "Update": {
                "TableName": self._table,
                "Key": write_item(keys.allotment(sku, region)),
                "UpdateExpression": "SET origin_region = :origin ADD #free :difference",
                "ConditionExpression": condition,
                "ExpressionAttributeNames": {"#free": "free"},
                "ExpressionAttributeValues": write_item(values),
            }
        }

    def _add(self, key: keys.Key, fields: items.Fields) -> TransactWriteItemTypeDef:
        return self._put(key, fields, _ABSENT, {})

    def _put(
        self, key: keys.Key, fields: items.Fields, condition: str, values: dict[str, Plain]
    ) -> TransactWriteItemTypeDef:
        action: TransactWriteItemTypeDef = {
            "Put": {
                "TableName": self._table,
                "Item": write_item({**key, **fields, "origin_region": self._region}),
                "ConditionExpression": condition,
            }
        }
        if values and "Put" in action:
            action["Put"]["ExpressionAttributeValues"] = write_item(values)
        return action

    def _update(
        self, key: keys.Key, fields: dict[str, Plain], condition: str, values: dict[str, Plain]
    ) -> TransactWriteItemTypeDef:
        changed: dict[str, Plain] = {**fields, "origin_region": self._region}
        names = {f"#{name}": name for name in changed} | ({"#state": "state"} if "#state" in condition else {})
        return {
            "Update": {
                "TableName": self._table,
                "Key": write_item(key),
                "UpdateExpression": "SET " + ", ".join(f"#{name} = :new_{name}" for name in changed),
                "ConditionExpression": condition,
                "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": write_item(
                    {**{f":new_{name}": value for name, value in changed.items()}, **values}
                ),
            }
        }

    def _check(self, key: keys.Key, condition: str, values: dict[str, Plain]) -> TransactWriteItemTypeDef:
        action: TransactWriteItemTypeDef = {
            "ConditionCheck": {
                "TableName": self._table,
                "Key": write_item(key),
                "ConditionExpression": condition,
                "ExpressionAttributeValues": write_item(values),
            }
        }
        if "#state" in condition and "ConditionCheck" in action:
            action["ConditionCheck"]["ExpressionAttributeNames"] = {"#state": "state"}
        return action


def _pending(order: Order) -> tuple[str, dict[str, Plain]]:
    """Return the fence of everything that the saga does: the order is open, and its home has not moved on."""
    return "#state = :pending AND home = :home AND epoch = :epoch", {
        ":pending": OrderState.PENDING.value,
        ":home": order.home.region,
        ":epoch": order.home.epoch,
    }


def _at_home(customer_id: str, home: Home) -> tuple[str, dict[str, Plain]]:
    """Return the fence of what belongs to a customer's home: absent means birth, and epoch 0."""
    region, epoch = "home = :home", "epoch = :epoch"
    if home.region == region_of_birth(customer_id):
        region = f"(attribute_not_exists(home) OR {region})"
    if home.epoch == 0:
        epoch = f"(attribute_not_exists(epoch) OR {epoch})"
    return f"{region} AND {epoch}", {":home": home.region, ":epoch": home.epoch}
