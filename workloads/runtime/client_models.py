"""Reads botocore's service models in a third of its time, which is a good part of a function's start.

Botocore looks for files in the folder of every service there is before it opens one, and decodes a megabyte of JSON in
Python's own decoder. What is read stays the same.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.session
import msgspec
from botocore.loaders import JSONFileLoader, Loader


def session() -> botocore.session.Session:
    """Return a session of botocore that reads its models this way."""
    made = botocore.session.get_session()
    made.register_component("data_loader", _ModelLoader(file_loader=_JsonFiles()))
    return made


class _JsonFiles(JSONFileLoader):
    """Decodes by msgspec. Botocore relies on the order of the keys, which every dict keeps."""

    def _load_file(self, full_path: str, open_method: Callable[..., Any]) -> Any:
        if not Path(full_path).is_file():
            return None
        with open_method(full_path, "rb") as file:
            return msgspec.json.decode(file.read())


class _ModelLoader(Loader):
    """Takes every folder for a service: one that is none fails with DataNotFoundError as soon as it is opened."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - as it is called
        return [folder.name for path in self.search_paths if Path(path).is_dir() for folder in Path(path).iterdir()]
