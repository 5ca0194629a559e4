"""Writes docs/policies.md: every rule with its reason, its level and what can be configured."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pulumi_policy import EnforcementLevel

from policies import configuration
from policies.configuration import Parameters
from policies.rule import ResourceRule, StackRule, Theme
from policies.rules import RULES

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "policies.md"

_INTRODUCTION: Final = """\
<!-- Written by `python -m policies.catalogue`: change the rules in policies/rules/, not this page. -->
# The policy pack

What a stack must be, checked by Pulumi before anything is created:

    pulumi preview --policy-pack policies
    pulumi up --policy-pack policies --policy-pack-config company.json

- **mandatory** rules stop the deployment, **advisory** ones are reported; a **remediated** rule mends what breaks
  it where that is safe, and stops the deployment where it is not.
- A rule on a **resource** is checked before that resource is created or changed, a rule on the **stack** when all of
  its resources are known. What is unknown in preview is reported as advice, and checked by `up`.
- Every rule can be configured, in [`configuration.yaml`](../policies/configuration.yaml) or by a file given to
  `--policy-pack-config`, which wins: `{"<rule>": {"enforcementLevel": "advisory", "<parameter>": …}}`.
- Every rule has the parameter `exemptions`, a list of `{"resource": …, "reason": …, "expires": …}`: `resource` is the
  end of the URN (`*` stands for any part), the reason is a sentence, the last day lies a year ahead at most. An
  exemption whose day is over exempts nobody and is itself a violation.
- `regions` and `ephemeral` are by default what the program's own configuration says (`meridian:regions`,
  `meridian:ephemeral`).
"""
_LEVEL: Final = {
    EnforcementLevel.ADVISORY: "advisory",
    EnforcementLevel.MANDATORY: "mandatory",
    EnforcementLevel.REMEDIATE: "remediated, else mandatory",
}


def page() -> str:
    """Return the whole page."""
    parts = [_INTRODUCTION, *_contents()]
    for theme in Theme:
        parts.append(f"\n## {theme}\n")
        parts.extend(_section(rule) for rule in RULES if rule.theme is theme)
    return "".join(parts)


def _contents() -> Iterator[str]:
    yield f"\nThere are {len(RULES)} rules:\n\n| theme | rules |\n|---|---|\n"
    for theme in Theme:
        rules = ", ".join(f"[{rule.name}](#{rule.name})" for rule in RULES if rule.theme is theme)
        yield f"| {theme} | {rules} |\n"


def _section(rule: ResourceRule | StackRule) -> str:
    kind = "resource" if isinstance(rule, ResourceRule) else "stack"
    lines = [
        f"\n### {rule.name}\n",
        f"**{rule.statement}** {rule.reason}",
        f"*Remedy:* {rule.remedy}",
        "",
        f"{_LEVEL[rule.level]} · severity {rule.severity.value} · checked on the {kind}"
        + (f" · {_types(rule)}" if rule.types else " · every type"),
    ]
    parameters = list(_parameters(rule.parameters))
    if parameters:
        lines += ["", "| parameter | default | |", "|---|---|---|", *parameters]
    return "\n".join(lines) + "\n"


def _types(rule: ResourceRule | StackRule) -> str:
    return ", ".join(f"`{type_.rsplit(':', 1)[-1]}`" for type_ in sorted(rule.types, key=str.casefold))


def _parameters(model: type[Parameters]) -> Iterator[str]:
    for name, schema in configuration.schema(model).items():
        if name != "exemptions":
            yield f"| `{name}` | {_default(schema)} | {schema.get('description', '')} |"


def _default(schema: dict[str, Any]) -> str:
    match schema.get("default"):
        case None | [] | {}:
            return "none"
        case list() as members:
            return ", ".join(f"`{member}`" for member in members)
        case value:
            return f"`{value}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
