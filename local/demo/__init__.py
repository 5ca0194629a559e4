"""The demo: replays real orders against the laptop's entry APIs and proves that the result is right in every Region."""
