"""Who may break a rule, why, and until when. An exemption whose day is over exempts nobody and is a violation."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from fnmatch import fnmatchcase
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

LONGEST: Final = timedelta(days=366)
"""Nobody decides for longer than a year ahead: a rule that never fits is a wrong rule."""


class Exemption(BaseModel):
    """One resource, or some that are named alike, that may break one rule until a day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resource: str = Field(
        min_length=3,
        description="The end of the URN: `<type>::<name>`, the type with its parents'. `*` stands for any part.",
    )
    reason: str = Field(min_length=20, description="Why the rule does not fit here, for the next reader.")
    expires: date = Field(description="The last day on which it holds, such as 2027-03-31; a year ahead at most.")

    def covers(self, urn: str) -> bool:
        """Return whether it is about this resource."""
        return fnmatchcase(urn, f"*{self.resource}")

    def flaw(self, today: date) -> str | None:
        """Say why it exempts nobody, if it does not."""
        if today > self.expires:
            return (
                f"the exemption of {self.resource!r} ({self.reason}) expired on {self.expires}: mend the resource and "
                "delete the exemption, or decide again and give it a new day"
            )
        if self.expires > today + LONGEST:
            return (
                f"the exemption of {self.resource!r} ({self.reason}) expires on {self.expires}, which is more than "
                f"{LONGEST.days} days ahead: give it an earlier day"
            )
        return None


def exempted(urn: str, exemptions: Iterable[Exemption], today: date) -> bool:
    """Return whether a valid exemption covers the resource."""
    return any(exemption.covers(urn) and not exemption.flaw(today) for exemption in exemptions)


def flaws(urn: str, exemptions: Iterable[Exemption], today: date) -> Iterator[str]:
    """Yield a message for each exemption of the resource that is over, or too long."""
    for exemption in exemptions:
        flaw = exemption.flaw(today)
        if flaw and exemption.covers(urn):
            yield flaw
