from __future__ import annotations

import sys
from pathlib import Path

import pytest

from local.demo.orders import OrderFileError, Purchase, parse_row, read


def test_the_first_weeks_hold_a_thousand_orders_in_the_order_of_day_and_row(purchases: tuple[Purchase, ...]) -> None:
    assert len(purchases) >= 1_000
    assert list(purchases) == sorted(purchases, key=lambda purchase: (purchase.day, purchase.row))


def test_a_row_is_one_unit_of_a_title_at_the_rows_amount() -> None:
    purchase = parse_row(1, " 00004 0001 19970101  2   29.33")

    assert (purchase.customer, purchase.cents, purchase.sku) == ("0001", 2933, "cdnow-2933")


def test_rows_with_the_same_content_have_keys_of_their_own(purchases: tuple[Purchase, ...]) -> None:
    assert len({purchase.idempotency_key for purchase in purchases}) == len(purchases)
    assert all(len(purchase.idempotency_key) <= 128 for purchase in purchases)


def test_the_carrier_is_never_imported(purchases: tuple[Purchase, ...]) -> None:
    assert purchases
    assert "lifetimes" not in sys.modules


def test_another_file_is_refused_with_both_hashes(tmp_path: Path) -> None:
    other = tmp_path / "CDNOW_sample.txt"
    other.write_text(" 00004 0001 19970101  2   29.33\n")

    with pytest.raises(OrderFileError, match=r"has the SHA-256 .*, not 6fae10155c0b0ba3"):
        read(other)


@pytest.mark.parametrize(
    "line",
    [" 00004 0001 19970101  2", " 00004 0001 19970101  2  29.333", " 00004 0001 19979901  2  1.00", "a b 19970101 1 x"],
)
def test_a_row_that_can_not_be_read_is_named(line: str) -> None:
    with pytest.raises(OrderFileError, match="row 7 "):
        parse_row(7, line)
