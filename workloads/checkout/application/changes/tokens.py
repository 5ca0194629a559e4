"""Tokens of hot SKUs: each number is one order's, nobody's or done with."""

from __future__ import annotations

from typing import TypeAlias

from workloads.checkout.application.changes.change import FrozenChange
from workloads.checkout.domain.token import Token


class TakeToken(FrozenChange, frozen=True):
    """A token becomes an order's, if it is nobody's."""

    token: Token
    region: str
    order_id: str


class ReturnToken(FrozenChange, frozen=True):
    """A token becomes nobody's, if it is the order's and was not settled."""

    token: Token
    region: str
    order_id: str


class RetireToken(FrozenChange, frozen=True):
    """A token is done with, if it is nobody's: its unit goes back to the free ones."""

    token: Token
    region: str


class ReclaimToken(FrozenChange, frozen=True):
    """A token is done with, if it is still written down as that of an order which holds nothing any more."""

    token: Token
    region: str
    order_id: str


class SettleToken(FrozenChange, frozen=True):
    """A token is done with, if it is the order's: its unit is from now on counted as an ordinary one."""

    token: Token
    region: str
    order_id: str


class RetireSettledToken(FrozenChange, frozen=True):
    """The order whose token was settled gives its unit back to the free ones."""

    token: Token
    region: str
    order_id: str


TokenChange: TypeAlias = TakeToken | ReturnToken | RetireToken | ReclaimToken | SettleToken | RetireSettledToken
