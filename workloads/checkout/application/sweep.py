"""Give back the units of orders that did not end in time; their sagas find that out when they go on."""

from __future__ import annotations

import msgspec

from workloads.checkout.application import steps
from workloads.checkout.application.changes import ForgetExpiry
from workloads.checkout.application.ports import ConcurrentWriteError, Ports
from workloads.checkout.application.steps import Checkout
from workloads.checkout.domain.reservation import ReservationState
from workloads.contracts.clock import timestamp


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did, by the ids of orders."""

    released: tuple[str, ...]
    forgotten: tuple[str, ...]
    """Not held any more, but still listed."""
    failed: tuple[str, ...]
    """To be tried again by the next run."""


def sweep(ports: Ports) -> Swept:
    """Release whatever expired; one order that can not be released keeps no other from it."""
    released, forgotten, failed = list[str](), list[str](), list[str]()
    for order_id, customer_id in ports.store.expired(timestamp(ports.clock.now())):
        try:
            gone = _release(ports, Checkout(order_id=order_id, customer_id=customer_id))
        except Exception:  # noqa: BLE001 - whatever it is, the others go on, and the next run meets it again
            failed.append(order_id)
        else:
            (released if gone else forgotten).append(order_id)
    return Swept(released=tuple(released), forgotten=tuple(forgotten), failed=tuple(failed))


def _release(ports: Ports, checkout: Checkout) -> bool:
    reservation = ports.store.checkout(checkout.order_id, checkout.customer_id).reservation
    if reservation is not None and reservation.state is ReservationState.HELD:
        steps.release(ports, checkout)
        return True
    try:
        ports.store.commit([ForgetExpiry(checkout.order_id)])
    except ConcurrentWriteError:
        return False
    return False
