"""Gather the tokens that an order needs, before the transaction that makes them its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from workloads.checkout.application.hot_items.ports import TokenMessage
from workloads.checkout.application.ports import ConcurrentWriteError, Ports
from workloads.checkout.domain.allotment import Allotment
from workloads.checkout.domain.reservation import Reservation
from workloads.checkout.domain.token import Token, tokens_of

_AT_ONCE: Final = 10
"""ReceiveMessage returns at most 10 messages (Amazon SQS API Reference)."""


class TokensNotReadyError(ConcurrentWriteError):
    """There are units, but no token for them at this moment: others try them, or their messages are still to come."""

    def __init__(self, sku: str) -> None:
        super().__init__(f"the tokens of {sku} are all in other hands at present")


class TokensInHand:
    """What one worker has received for one order, over all attempts to hold its units.

    Whoever ends without deciding a number gives it back; a worker that is killed gives it back by the time-out of its
    messages.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._queues = ports.hot_items.queues
        self._received: dict[Token, tuple[int, TokenMessage]] = {}
        """By token, with the pool that it came from."""
        self._doubtful = False
        self._wary = False
        """The pool has been seen to repeat itself: look numbers up before they are tried, many at once."""

    def gather(self, wanted: Mapping[str, int], allotments: Mapping[str, Allotment]) -> Mapping[str, Sequence[Token]]:
        """Return so many tokens of each SKU; raises TokensNotReadyError with what was received still in hand."""
        self._drop_decided_if_in_doubt()
        # Always in the same order, so that two orders for the same SKUs do not each wait for what the other has.
        return {sku: self._of_sku(allotments[sku], units) for sku, units in sorted(wanted.items())}

    def doubt(self) -> None:
        """Look up whose the tokens in hand are before they are tried again: somebody may have been quicker."""
        self._doubtful = True

    def settle(self, reservation: Reservation) -> None:
        """Remove the messages of the tokens that the reservation has."""
        self._remove([token for token in tokens_of(reservation.tokens) if token in self._received])

    def give_back(self) -> None:
        """Let others try what is still in hand."""
        self._drop_decided_if_in_doubt()
        for pool, messages in self._by_pool(list(self._received)).items():
            self._queues.give_back(pool, messages)
        self._received.clear()

    def _of_sku(self, allotment: Allotment, units: int) -> list[Token]:
        selling = allotment.selling
        while len(mine := self._mine(allotment)) < units:
            at_most = _AT_ONCE if self._wary else min(_AT_ONCE, units - len(mine))
            messages = self._queues.receive(selling.pool, at_most)
            if not messages:
                self._ports.hot_items.remembered.forget(allotment.sku)
                self._queues.wake(allotment.sku)
                raise TokensNotReadyError(allotment.sku)
            self._sort(allotment, messages)
            self._doubtful = self._wary
            self._drop_decided_if_in_doubt()
        return mine[:units]

    def _mine(self, allotment: Allotment) -> list[Token]:
        return sorted(
            token
            for token in self._received
            if (token.sku, token.generation) == (allotment.sku, allotment.selling.generation)
        )

    def _sort(self, allotment: Allotment, messages: Sequence[TokenMessage]) -> None:
        """Keep what belongs to the present generation; a second message of a number in hand is of no use to anybody."""
        strange: list[TokenMessage] = []
        for message in messages:
            token = message.token
            if token in self._received:
                self._queues.remove(allotment.selling.pool, [message])
            elif (token.sku, token.generation) == (allotment.sku, allotment.selling.generation):
                self._received[token] = (allotment.selling.pool, message)
            else:
                strange.append(message)
        if strange:
            self._judge(allotment, strange)

    def _judge(self, allotment: Allotment, strange: Sequence[TokenMessage]) -> None:
        """Find out who is late: messages of an earlier generation, or this worker's idea of the present one.

        A pool gets its next owner only when each number of the last one is decided. So where the allotment still has
        the pool now, whatever came out of it before now and is not its own is of an earlier generation.
        """
        pool, sku = allotment.selling.pool, allotment.sku
        self._ports.hot_items.remembered.forget(sku)
        present = self._ports.store.allotments([sku], self._ports.region).get(sku)
        if present is None or (present.selling.mode, present.selling.generation, present.selling.pool) != (
            allotment.selling.mode,
            allotment.selling.generation,
            pool,
        ):
            self._queues.give_back(pool, strange)
            raise TokensNotReadyError(sku)
        self._queues.remove(pool, strange)

    def _drop_decided_if_in_doubt(self) -> None:
        if not self._doubtful or not self._received:
            return
        records = self._ports.hot_items.ledger.records(self._received)
        decided = [token for token, record in records.items() if not record.is_open()]
        self._remove(decided)
        self._doubtful, self._wary = False, self._wary or bool(decided)

    def _remove(self, tokens: Sequence[Token]) -> None:
        for pool, messages in self._by_pool(tokens).items():
            self._queues.remove(pool, messages)
        for token in tokens:
            del self._received[token]

    def _by_pool(self, tokens: Sequence[Token]) -> Mapping[int, Sequence[TokenMessage]]:
        found: dict[int, list[TokenMessage]] = {}
        for token in tokens:
            pool, message = self._received[token]
            found.setdefault(pool, []).append(message)
        return found


def known_allotments(ports: Ports, skus: Mapping[str, int]) -> Mapping[str, Allotment]:
    """Return the allotments of these SKUs: of the hot ones, as they were at most a second ago."""
    now = ports.clock.now()
    remembered = ports.hot_items.remembered.recall(skus, now=now)
    unknown = skus.keys() - remembered.keys()
    if not unknown:
        return remembered
    read = ports.store.allotments(unknown, ports.region)
    ports.hot_items.remembered.remember(read.values(), now=now)
    return {**remembered, **read}
