"""The page of planted defects is that of the tests."""

from tests import catalogue


def test_the_page_is_up_to_date() -> None:
    assert catalogue.PAGE.read_text(encoding="utf-8") == catalogue.page(), "run `python -m tests.catalogue`"
