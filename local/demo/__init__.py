"""The demo: replays real orders against the laptop's entry APIs and proves that the result is right in every Region."""

from local.demo.run import run

__all__ = ["run"]
