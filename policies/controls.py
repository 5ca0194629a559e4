"""Writes docs/controls.md: which rule holds which control of AWS Foundational Security Best Practices, type by type."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

_ROOT: Final = Path(__file__).resolve().parent.parent
DATA: Final = Path(__file__).with_name("controls.yaml")
PAGE: Final = _ROOT / "docs" / "controls.md"

_INTRODUCTION: Final = """\
<!-- Written by `python -m policies.controls`: change policies/controls.yaml, not this page. -->
# AWS Foundational Security Best Practices

Every control of the standard that is about a type of resource in this program, and what holds it: a rule of the
[policy pack](policies.md), a test where no rule is about it, or the written reason why it does not apply. A type
without a line here fails the tests, and so does a control of one of these services that nobody has looked at.

| type | control | | held by |
|---|---|---|---|
"""


class Control(BaseModel):
    """One control on one type."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    rules: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    reason: Annotated[str, Field(min_length=20)] | None = None

    @model_validator(mode="after")
    def _is_answered(self) -> Self:
        if bool(self.rules or self.tests) == bool(self.reason):
            raise ValueError(f"{self.title!r} needs rules or tests, or else the reason why it does not apply")
        return self


class Controls(BaseModel):
    """The whole table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    types: Mapping[str, Mapping[str, Control | str]]
    """By type: its controls, or `none` with the reason why the standard has nothing to say about it."""
    elsewhere: Mapping[str, str]
    """The standard's controls of the same services on what the program does not have."""

    def on(self, type_: str) -> Mapping[str, Control]:
        """Return a type's controls by id."""
        return {id_: control for id_, control in self.types[type_].items() if isinstance(control, Control)}


def read() -> Controls:
    """Read the table."""
    return Controls.model_validate(yaml.safe_load(DATA.read_text(encoding="utf-8")))


def page() -> str:
    """Return the whole page."""
    controls = read()
    return "".join(
        [_INTRODUCTION, *_rows(controls), "\n## On what this program does not have\n\n", *_elsewhere(controls)]
    )


def _rows(controls: Controls) -> Iterator[str]:
    for type_, entries in sorted(controls.types.items()):
        shown = f"`{type_.rsplit(':', 1)[-1]}` ({type_.split('/')[0].removesuffix(':index').split(':')[-1]})"
        for id_, control in entries.items():
            if isinstance(control, str):
                yield f"| {shown} | none | | {control} |\n"
            else:
                yield f"| {shown} | {id_} | {control.title} | {_held_by(control)} |\n"


def _held_by(control: Control) -> str:
    if control.reason is not None:
        return f"*does not apply:* {control.reason}"
    rules = [f"[{rule}](policies.md#{rule})" for rule in control.rules]
    tests = [f"[{test.rpartition('::')[2]}](../{test.partition('::')[0]})" for test in control.tests]
    return ", ".join([*rules, *tests])


def _elsewhere(controls: Controls) -> Iterator[str]:
    by_thing: dict[str, list[str]] = {}
    for id_, thing in controls.elsewhere.items():
        by_thing.setdefault(thing, []).append(id_)
    yield "| of | controls |\n|---|---|\n"
    for thing, ids in sorted(by_thing.items()):
        yield f"| {thing} | {', '.join(ids)} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
