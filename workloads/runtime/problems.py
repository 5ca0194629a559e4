"""Problem documents (RFC 9457): what the API answers when it can not do what was asked."""

from __future__ import annotations

from typing import Final

import msgspec

MEDIA_TYPE: Final = "application/problem+json"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of problem as it occurred once: `type` is the kebab-case end of the problem's URI."""

    type: str
    title: str
    status: int
    detail: str
    retry_after: int | None = None
    """Seconds; becomes the Retry-After header."""

    def document(self, base: str, instance: str) -> bytes:
        """Return the JSON body; `base` is the URI of the folder of problem types."""
        return msgspec.json.encode(
            {
                "type": f"{base}/{self.type}",
                "title": self.title,
                "status": self.status,
                "detail": self.detail,
                "instance": instance,
            }
        )


class ProblemError(Exception):
    """Ends a request with a problem document."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem
