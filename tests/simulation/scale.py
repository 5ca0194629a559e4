"""The program at the scale of a simulated minute: fewer partition keys to read, and no threads."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from workloads.checkout.adapters import keys, token_queues
from workloads.checkout.application.hot_items import counting, draining, refilling
from workloads.checkout.domain import token

T = TypeVar("T")
R = TypeVar("R")


class _OneAfterTheOther:
    """Stands for a pool of threads: the scheduler decides who comes next, and a caller's calls have their order."""

    def __init__(self, _workers: int) -> None:
        """Start no thread."""

    def __enter__(self) -> _OneAfterTheOther:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def map(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Return the results, as they are asked for."""
        return map(work, items)


_REPLACED: Final[tuple[tuple[Any, str, Any], ...]] = (
    *((module, "PARTITIONS", 4) for module in (token, keys, counting, draining, refilling)),
    (keys, "EXPIRY_BUCKETS", 2),
    (token_queues, "ThreadPoolExecutor", _OneAfterTheOther),
)
"""64 partition keys of tokens and 128 buckets of expiries spread the load of a Region, which is not simulated."""


@contextmanager
def small() -> Generator[None]:
    """Let the code under test have these for a while."""
    before = [getattr(module, name) for module, name, _ in _REPLACED]
    for module, name, value in _REPLACED:
        setattr(module, name, value)
    try:
        yield
    finally:
        for (module, name, _), value in zip(_REPLACED, before, strict=True):
            setattr(module, name, value)
