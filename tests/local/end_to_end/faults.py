"""Sets what is to fail in a laptop that is up, and the cases in which each state of the saga does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import Final

import httpx

from local.emulator.faults import PATH, Fault, Moment, Point
from tests.local.end_to_end.shop import Shop

FOR_GOOD: Final = 1000
"""More often than any state tries."""
MOMENTS: Final = (Moment.BEFORE, Moment.AFTER)
TIMES: Final = (1, 2)
LATE_SECONDS: Final = 21.0
"""A second more than a step's task waits: `TimeoutSeconds` of the state machine."""
PRICE: Final = 100
ENOUGH: Final = 250
TOO_LITTLE: Final = 99


@dataclass(frozen=True, kw_only=True)
class Failure:
    """So many failures of a state of the saga, or of what comes before it."""

    state: str
    """`Begin` is the starter's reservation, `Start` the starter itself, `Park` the message to the repair queue."""
    moment: Moment
    times: int

    def mended(self) -> Failure:
        """Return it as it is when it strikes no more."""
        return replace(self, times=0)

    def fault_of(self, order_id: str) -> Fault:
        """Return it for one order."""
        point, subject, text = {
            "Begin": (Point.REQUEST, "TransactWriteItems", '"held_at"'),
            "Start": (Point.INVOCATION, "meridian-checkout-saga-starter", "eventSource"),
            "Park": (Point.SENDING, "meridian-checkout-repair", "execution"),
        }.get(self.state, (Point.INVOCATION, "meridian-checkout-saga-steps", f'"step":"{self.state.lower()}"'))
        return Fault(
            name=f"{self.state} of {order_id} {self.moment}",
            point=point,
            subject=subject,
            texts=(order_id, text),
            moment=self.moment,
            times=self.times,
            late_seconds=LATE_SECONDS,
        )


@dataclass(frozen=True, kw_only=True)
class Case:
    """What fails, and how the order ends all the same."""

    failures: tuple[Failure, ...]
    state: str
    reason: str | None = None
    events: tuple[str, ...]
    cents: int = ENOUGH
    parks: int = 0
    """How many messages the repair queue gets."""

    @property
    def completed(self) -> int:
        """Return how many units it buys."""
        return int(self.state == "Completed")


_TAKEN: Final = ("OrderPlaced", "StockReserved")
_BOUGHT: Final = (*_TAKEN, "WalletDebited", "PurchaseCompleted")
_GIVEN_BACK: Final = ("StockReleased", "PurchaseRejected")


def cases() -> Iterator[Case]:
    """Yield every state failing once and twice, before it has done anything and after all was done."""
    for moment in MOMENTS:
        for times in TIMES:
            yield from _cases(moment, times)
    yield from _given_up()


def starters_cases() -> Iterator[Case]:
    """Yield the starter failing so. It takes all orders of its batch with it, which begin once more by that."""
    for moment in MOMENTS:
        for times in TIMES:
            failure = Failure(state="Start", moment=moment, times=times)
            yield Case(failures=(failure,), state="Completed", events=_BOUGHT)


def late_cases() -> Iterator[Case]:
    """Yield every step answering later than its task waits, after the task has asked again."""
    for case in _cases(Moment.LATE, 1):
        if case.failures[-1].state not in {"Begin", "Park"}:
            yield case


def sample() -> Iterator[Case]:
    """Yield each state failing once or twice, in the one moment or the other."""
    for number, kinds in enumerate(
        zip(*(_cases(m, t) for m, t in ((m, t) for m in MOMENTS for t in TIMES)), strict=True)
    ):
        yield kinds[(number * 3) % len(kinds)]
    yield from _given_up()


def _cases(moment: Moment, times: int) -> Iterator[Case]:
    def failing(state: str) -> Failure:
        return Failure(state=state, moment=moment, times=times)

    not_begun = Failure(state="Begin", moment=Moment.BEFORE, times=1)
    # Where the reservation is made and only its answer is lost, nobody makes it again.
    begin = replace(failing("Begin"), times=1 if moment is Moment.AFTER else times)
    for failure in (begin, failing("Debit"), failing("Complete")):
        yield Case(failures=(failure,), state="Completed", events=_BOUGHT)
    yield Case(failures=(not_begun, failing("Reserve")), state="Completed", events=_BOUGHT)
    for state in ("Release", "Reject"):
        yield Case(
            failures=(failing(state),),
            state="Rejected",
            reason="InsufficientFunds",
            events=(*_TAKEN, *_GIVEN_BACK),
            cents=TOO_LITTLE,
        )
    not_completed = _for_good("Complete")
    yield Case(
        failures=(not_completed, failing("Refund")),
        state="Rejected",
        reason="TechnicalFailure",
        events=(*_TAKEN, "WalletDebited", "WalletRefunded", *_GIVEN_BACK),
    )
    yield Case(
        failures=(not_completed, _for_good("Refund"), failing("Park")),
        state="Completed",
        events=(*_BOUGHT, *["CheckoutRedriven"] * _messages(moment, times)),
        parks=_messages(moment, times),
    )


def _messages(moment: Moment, times: int) -> int:
    """Return how many messages are sent where the answer to so many was lost."""
    return 1 + times * (moment is Moment.AFTER)


def _given_up() -> Iterator[Case]:
    """Yield what fails for as long as the state tries, where nobody knows what was done."""
    not_begun = Failure(state="Begin", moment=Moment.BEFORE, times=1)
    yield Case(
        failures=(not_begun, _for_good("Reserve")),
        state="Rejected",
        reason="TechnicalFailure",
        events=("OrderPlaced", "PurchaseRejected"),
    )
    yield Case(
        failures=(not_begun, _for_good("Reserve", Moment.AFTER)),
        state="Rejected",
        reason="TechnicalFailure",
        events=(*_TAKEN, *_GIVEN_BACK),
    )
    yield Case(
        failures=(_for_good("Debit"),),
        state="Rejected",
        reason="TechnicalFailure",
        events=(*_TAKEN, *_GIVEN_BACK),
    )
    yield Case(
        failures=(_for_good("Debit", Moment.AFTER),),
        state="Rejected",
        reason="TechnicalFailure",
        events=(*_TAKEN, "WalletDebited", "WalletRefunded", *_GIVEN_BACK),
    )
    yield Case(failures=(_for_good("Complete", Moment.AFTER),), state="Completed", events=_BOUGHT)


def _for_good(state: str, moment: Moment = Moment.BEFORE) -> Failure:
    return Failure(state=state, moment=moment, times=FOR_GOOD)


class Saboteur:
    """Sets the faults of many orders at a time, and tells how often each has struck."""

    def __init__(self, shop: Shop) -> None:
        self._url = f"{shop.deployment.emulator_url}{PATH}"

    def plan(self, planned: Mapping[str, Sequence[Failure]]) -> None:
        """Let these orders, and no others, fail from now on."""
        faults = chain.from_iterable(
            (asdict(failure.fault_of(order_id)) for failure in failures) for order_id, failures in planned.items()
        )
        httpx.put(self._url, json=list(faults), trust_env=False).raise_for_status()

    def struck(self) -> Counter[str]:
        """Return how often each fault has struck, by its name."""
        answer = httpx.get(self._url, trust_env=False)
        answer.raise_for_status()
        return Counter(answer.json())
