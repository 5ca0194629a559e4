"""How a signal asks the laptop mode for its end: by an exception, where nothing else handles it."""

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Handler = Callable[[int, FrameType | None], None] | signal.Handlers


class StopRequested(KeyboardInterrupt):
    """A signal asked for the end. Event loops and task groups let this kind through, and take no error for it."""


def request_stop(number: int, frame: FrameType | None) -> None:
    """Raise what ends everything, wherever the main thread is."""
    del frame
    raise StopRequested(signal.Signals(number).name)


def handle(handler: Handler) -> None:
    """Have all signals that ask for the end handled by this from now on."""
    for number in SIGNALS:
        signal.signal(number, handler)


@contextmanager
def handled_by(handler: Handler) -> Generator[None]:
    """Have them handled by this for a time."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    handle(handler)
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
