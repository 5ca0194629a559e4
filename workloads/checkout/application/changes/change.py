"""What all changes share."""

from __future__ import annotations

import msgspec


class FrozenChange(msgspec.Struct, frozen=True):
    """A change is a value."""
