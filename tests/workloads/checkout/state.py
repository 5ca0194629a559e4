"""Everything that checkout has stored, as the values that the items stand for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from workloads.checkout.adapters import items as read
from workloads.checkout.application.outbox_entry import OutboxEntry
from workloads.checkout.domain.allotment import Allotment
from workloads.checkout.domain.command_record import CommandRecord
from workloads.checkout.domain.handover import Handover
from workloads.checkout.domain.order import Order
from workloads.checkout.domain.price import Price
from workloads.checkout.domain.reservation import Reservation
from workloads.checkout.domain.token import Token, TokenRecord
from workloads.checkout.domain.transfer import Receipt, Transfer
from workloads.checkout.domain.wallet import Deposit, Payment, PaymentState, Wallet
from workloads.contracts.envelope import decode


class State(msgspec.Struct):
    """All items, by what they are."""

    orders: dict[str, Order] = {}
    reservations: dict[str, Reservation] = {}
    handovers: dict[tuple[str, str], Handover] = {}
    wallets: dict[str, Wallet] = {}
    deposits: dict[str, Deposit] = {}
    payments: dict[str, Payment] = {}
    refunds: dict[str, Payment] = {}
    prices: dict[tuple[str, str], Price] = {}
    allotments: dict[tuple[str, str], Allotment] = {}
    transfers: dict[tuple[str, str], Transfer] = {}
    """By their id and the Region that sent them."""
    receipts: dict[tuple[str, str], Receipt] = {}
    commands: dict[str, CommandRecord] = {}
    tokens: dict[tuple[str, Token], TokenRecord] = {}
    """By Region and number; a number that never was anybody's has none."""
    others: dict[tuple[str, str], Mapping[str, Any]] = {}
    """Items of a kind that has no place of its own here yet, by their keys."""
    outbox: dict[tuple[str, int], OutboxEntry] = {}


def read_state(items: Iterable[Mapping[str, Any]], outbox: Iterable[Mapping[str, Any]]) -> State:
    """Read the items of both tables."""
    state = State()
    for item in items:
        _read_item(state, item)
    for item in outbox:
        entry = OutboxEntry(aggregate=item["pk"], sequence=int(item["sk"]), event=decode(item["event"]))
        state.outbox[entry.aggregate, entry.sequence] = entry
    return state


def _read_item(state: State, item: Mapping[str, Any]) -> None:  # noqa: C901, PLR0912 - one branch a kind of item
    kind, _, identifier = item["pk"].partition("#")
    match kind, item["sk"].split("#")[:2]:
        case "ORDER", ["ORDER"]:
            state.orders[identifier] = read.read_order(item)
        case "ORDER", ["RESERVATION"]:
            state.reservations[identifier] = read.read_reservation(item)
        case (("ORDER" | "DEPOSIT"), ["HANDOVER", region]):
            state.handovers[identifier, region] = read.read_handover(item)
        case "WALLET", ["WALLET"]:
            # A home that was moved before there was any money is an item without a balance.
            if "balance" in item:
                state.wallets[identifier] = read.read_wallet(identifier, item)
        case "WALLET", ["ENTRY", "DEPOSIT"]:
            state.deposits[item["deposit_id"]] = read.read_deposit(item)
        case "WALLET", ["ENTRY", "DEBIT"]:
            state.payments[item["order_id"]] = read.read_payment(item)
        case "WALLET", ["ENTRY", "REFUND"]:
            state.refunds[item["order_id"]] = read.read_payment({**item, "state": PaymentState.REFUNDED})
        case "PRICE", [region]:
            state.prices[identifier, region] = read.read_price(item)
        case "ALLOTMENT", ["ALLOTMENT"]:
            state.allotments[item["sku"], item["region"]] = read.read_allotment(item)
        case "TRANSFER", ["OUT", region]:
            state.transfers[identifier, region] = read.read_transfer(item, received=False)
        case "TRANSFER", ["IN", region]:
            state.receipts[identifier, region] = read.read_receipt(item)
        case "COMMAND", ["COMMAND"]:
            state.commands[identifier] = read.read_command(item)
        case "TOKEN", [number]:
            sku, region, generation, _ = identifier.split("#")
            token = Token(sku, int(generation), int(number))
            state.tokens[region, token] = read.read_token(token, item)
        case _:
            state.others[item["pk"], item["sk"]] = item
