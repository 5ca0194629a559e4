"""What tests of hot items do: they make a SKU hot or plain again, order it, and let time pass."""

from __future__ import annotations

from datetime import timedelta

from tests.workloads.checkout.builders import CD, CUSTOMER, allot, place, request
from tests.workloads.checkout.cell import MemoryCells
from tests.workloads.checkout.token_pools import tend_all
from tests.workloads.conftest import HERE
from workloads.checkout.application.ports import Ports
from workloads.checkout.application.results import Settled
from workloads.checkout.application.set_selling_mode import set_selling_mode
from workloads.checkout.domain.allotment import Allotment
from workloads.checkout.domain.refusal import Refusal, RefusalKind
from workloads.contracts.commands import RequestedSellingMode, SetSellingMode

HOT = RequestedSellingMode.HOT
PLAIN = RequestedSellingMode.PLAIN


def set_mode(ports: Ports, mode: RequestedSellingMode, version: int, sku: str = CD) -> Settled | Refusal:
    return set_selling_mode(
        ports, SetSellingMode(sku=sku, mode=mode, version=version), request(f"mode-{sku}-{version}")
    )


def make_hot(ports: Ports, units: int, sku: str = CD) -> None:
    allot(ports, sku, units)
    assert set_mode(ports, HOT, 1, sku) == Settled()
    tend_all(ports, sku)


def make_plain(ports: Ports, version: int = 2, *, sku: str = CD) -> None:
    assert set_mode(ports, PLAIN, version, sku) == Settled()
    tend_all(ports, sku)


def order(ports: Ports, *lines: tuple[str, int], number: int = 0) -> str:
    return place(ports, *lines or ((CD, 1),), customer=f"{CUSTOMER}-{number}")


def kind_of(result: object) -> RefusalKind | None:
    return result.kind if isinstance(result, Refusal) else None


def allotment_of(ports: Ports, sku: str = CD) -> Allotment:
    return ports.store.allotments([sku], HERE)[sku]


def pass_time(cells: MemoryCells, **span: float) -> None:
    cells.clock.moment += timedelta(**span)
