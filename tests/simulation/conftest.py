"""The embedded AWS for the tests that hold the models to it."""

from tests.workloads.conftest import emulator

__all__ = ["emulator"]
