"""Checkout's values as items of its table, and back. Attributes that a later version adds are passed over."""

from __future__ import annotations

from workloads.checkout.adapters.items.commands import read_command, write_command
from workloads.checkout.adapters.items.fields import Fields
from workloads.checkout.adapters.items.handovers import read_handover, write_handover
from workloads.checkout.adapters.items.listings import (
    read_listing,
    read_offers,
    write_flag,
    write_sale,
    write_selling_mode,
)
from workloads.checkout.adapters.items.operations import read_operation, write_operation
from workloads.checkout.adapters.items.orders import read_order, read_place, write_order
from workloads.checkout.adapters.items.prices import read_price, write_price
from workloads.checkout.adapters.items.reservations import read_reservation, write_reservation
from workloads.checkout.adapters.items.selling import read_selling, write_selling
from workloads.checkout.adapters.items.stock import read_allotment, write_allotment
from workloads.checkout.adapters.items.tokens import read_held_tokens, read_token, write_held_tokens, write_token
from workloads.checkout.adapters.items.transfers import read_receipt, read_transfer, write_receipt, write_transfer
from workloads.checkout.adapters.items.wallets import (
    read_deposit,
    read_entry,
    read_home,
    read_payment,
    read_wallet,
    write_deposit,
    write_payment,
    write_refund,
)

__all__ = [
    "Fields",
    "read_allotment",
    "read_command",
    "read_deposit",
    "read_entry",
    "read_handover",
    "read_held_tokens",
    "read_home",
    "read_listing",
    "read_offers",
    "read_operation",
    "read_order",
    "read_payment",
    "read_place",
    "read_price",
    "read_receipt",
    "read_reservation",
    "read_selling",
    "read_token",
    "read_transfer",
    "read_wallet",
    "write_allotment",
    "write_command",
    "write_deposit",
    "write_flag",
    "write_handover",
    "write_held_tokens",
    "write_operation",
    "write_order",
    "write_payment",
    "write_price",
    "write_receipt",
    "write_refund",
    "write_reservation",
    "write_sale",
    "write_selling",
    "write_selling_mode",
    "write_token",
    "write_transfer",
]
