"""Holds a patch to the code that it was written for."""

import hashlib
import inspect
from collections.abc import Callable
from typing import Any


class PatchError(Exception):
    """The installed ministack is not the one that the patches were written for."""


def check_pinned(code: Callable[..., Any], digest: str) -> None:
    """Raise if the code of a function or class is not the one that its patch was written for."""
    found = hashlib.sha256(inspect.getsource(code).encode()).hexdigest()[:16]
    if found != digest:
        message = f"{code.__module__}.{code.__qualname__} has digest {found}, not {digest}: look at its patch again"
        raise PatchError(message)
