"""Tokens and the owners of their pools as items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workloads.checkout.adapters.attributes import Plain
from workloads.checkout.domain.token import HeldTokens, Token, TokenRecord, TokenState


def write_token(state: TokenState, order_id: str) -> dict[str, Plain]:
    """Write a token that becomes an order's."""
    return {"state": state.value, "order_id": order_id}


def read_token(token: Token, item: Mapping[str, Any]) -> TokenRecord:
    """Read a token."""
    return TokenRecord(token=token, state=TokenState(item["state"]), order_id=item.get("order_id"))


def write_held_tokens(held: Mapping[str, HeldTokens]) -> dict[str, Plain]:
    """Write the tokens that a reservation holds, by SKU."""
    return {
        sku: {"generation": tokens.generation, "numbers": list(tokens.numbers)} for sku, tokens in sorted(held.items())
    }


def read_held_tokens(fields: Mapping[str, Any]) -> dict[str, HeldTokens]:
    """Read the tokens that a reservation holds, by SKU."""
    return {sku: HeldTokens(tokens["generation"], tuple(tokens["numbers"])) for sku, tokens in fields.items()}
