"""Does at a function's start what every call needs: Lambda gives the INIT phase more CPU than the first call gets."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from typing import Final

_OBJECTS_BETWEEN_COLLECTIONS: Final = 20_000


def at_start(*builders: Callable[[], object]) -> None:
    """Call each (cached) builder now, under Lambda; elsewhere, as in a test, importing a module builds nothing."""
    if "AWS_LAMBDA_RUNTIME_API" in os.environ:
        for build in builders:
            build()
        # What has been made so far stays for good: it is not looked through again.
        gc.freeze()
        gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
