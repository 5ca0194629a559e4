"""Keeps parliament quiet about the way in which it reads its own data."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Ignore the warning that comes with its import."""
    config.addinivalue_line("filterwarnings", "ignore:pkg_resources is deprecated as an API:UserWarning")
