"""The provider, but for creations that the test wants cut off: they never answer, so the engine dies waiting for them.

A creation is held after the resource is there, or before, by the name of the resource; what is held says so by a file.
"""

import os
import sys
import threading
from pathlib import Path
from typing import Any, Final

from local.provider.__main__ import main
from local.provider.servicer import ProviderServicer

HOLD_AFTER: Final = "MERIDIAN_TEST_HOLD_AFTER"
HOLD_BEFORE: Final = "MERIDIAN_TEST_HOLD_BEFORE"
HELD_IN: Final = "MERIDIAN_TEST_HELD_IN"


class HoldingServicer(ProviderServicer):
    def create(self, request: Any) -> Any:
        name = str(request.urn).rsplit("::", 1)[-1]
        if request.preview:
            return super().create(request)
        if name in os.environ.get(HOLD_BEFORE, "").split():
            _hold(name)
        answer = super().create(request)
        if name in os.environ.get(HOLD_AFTER, "").split():
            _hold(name, str(answer.id))
        return answer


def _hold(name: str, id_: str = "") -> None:
    """Say what is held, then wait for the end of the process."""
    (Path(os.environ[HELD_IN]) / name).write_text(id_, encoding="utf-8")
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1:], HoldingServicer)
