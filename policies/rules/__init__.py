"""All rules; a new theme is a new module here."""

from typing import Final

from policies.rule import ResourceRule, StackRule
from policies.rules import (
    api,
    containers,
    cost,
    durability,
    encryption,
    iam,
    messaging,
    multi_region,
    naming,
    observability,
    public_access,
)

RULES: Final[tuple[ResourceRule | StackRule, ...]] = (
    *encryption.RULES,
    *public_access.RULES,
    *iam.RULES,
    *durability.RULES,
    *multi_region.RULES,
    *messaging.RULES,
    *observability.RULES,
    *cost.RULES,
    *api.RULES,
    *containers.RULES,
    *naming.RULES,
)
"""In the order in which they are reported and described."""
