"""Types that the embedded AWS does not hold: the declaration itself is the state."""

import hashlib
from pathlib import Path
from typing import Any

from local.deployment import Handling
from local.handlers.base import Context, Handler, State, declared_state
from local.paths import ROOT
from local.recording import RecordedResource


class DeclaredHandler(Handler):
    """Keeps the declaration for what reads it: a stand-in, a process, or nothing at all."""

    def __init__(self, handling: Handling, reason: str) -> None:
        self.handling = handling
        self.reason = reason

    def create(self, context: Context, resource: RecordedResource) -> State:
        """Return what AWS would answer."""
        return declared_state(context, resource)

    def read(self, context: Context, resource: RecordedResource) -> dict[str, Any] | None:
        """Return the declaration."""
        return self.create(context, resource)[1]

    def update(self, context: Context, old: RecordedResource, new: RecordedResource) -> dict[str, Any]:
        """Return the new declaration."""
        del old
        return self.create(context, new)[1]

    def delete(self, context: Context, resource: RecordedResource) -> None:
        """Nothing is held."""


class ImageHandler(DeclaredHandler):
    """An image that is not built: functions and services run from the tree. Its digest is that of its sources."""

    def __init__(self) -> None:
        super().__init__(Handling.RECORDED, "functions and services run from the tree, so no image is built")

    def create(self, context: Context, resource: RecordedResource) -> State:
        """Return a digest that changes when, and only when, the context's sources change."""
        id_, outputs = super().create(context, resource)
        dockerfile = Path(str((resource.inputs.get("dockerfile") or {}).get("location") or "."))
        digest = f"sha256:{_digest_of(ROOT / dockerfile.parent)}"
        repository = str(outputs["ref"]).rsplit("@", 1)[0]
        return id_, outputs | {"digest": digest, "contextHash": digest, "ref": f"{repository}@{digest}"}


def _digest_of(directory: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(directory).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
