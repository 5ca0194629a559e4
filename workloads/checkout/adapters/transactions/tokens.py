"""Changes of tokens as actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workloads.checkout.adapters import items, keys
from workloads.checkout.adapters.attributes import Plain
from workloads.checkout.adapters.transactions.writer import ABSENT, Writer
from workloads.checkout.application.changes.tokens import (
    ReclaimToken,
    RetireSettledToken,
    RetireToken,
    ReturnToken,
    SettleToken,
    TakeToken,
    TokenChange,
)
from workloads.checkout.domain.token import TokenState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


def token_actions(write: Writer, change: TokenChange) -> list[TransactWriteItemTypeDef]:
    """Return the action of a change."""
    key = keys.token(change.token, change.region)
    nobodys = f"{ABSENT} OR #state = :returned"
    returned: dict[str, Plain] = {":returned": TokenState.RETURNED.value}
    match change:
        case TakeToken(order_id=order_id):
            # An update, not a put: what a later version may add to a token stays.
            taken = items.write_token(TokenState.TAKEN, order_id)
            return [write.update(key, taken, nobodys, returned)]
        case RetireToken():
            return [write.update(key, {"state": TokenState.RETIRED.value}, nobodys, returned)]
        case ReturnToken(order_id=order_id):
            return [_move(write, key, TokenState.RETURNED, _held_by(order_id, TokenState.TAKEN))]
        case ReclaimToken(order_id=order_id):
            return [_move(write, key, TokenState.RETIRED, _held_by(order_id, TokenState.TAKEN))]
        case SettleToken(order_id=order_id):
            return [_move(write, key, TokenState.SETTLED, _held_by(order_id, TokenState.TAKEN))]
        case RetireSettledToken(order_id=order_id):
            return [_move(write, key, TokenState.RETIRED, _held_by(order_id, TokenState.SETTLED))]


def _move(write: Writer, key: keys.Key, to: TokenState, values: dict[str, Plain]) -> TransactWriteItemTypeDef:
    return write.update(key, {"state": to.value}, "#state = :before AND order_id = :order", values)


def _held_by(order_id: str, state: TokenState) -> dict[str, Plain]:
    return {":order": order_id, ":before": state.value}
