"""Names, ARNs and tags: the one place that knows how things are called.

A name is the same in every Region, so that two cells are equal and an ARN in another cell can be written down without
asking that cell. IAM is global to the account, so the names of roles and policies end with their Region.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import pulumi_aws as aws

from components.settings import PROJECT, Context, Settings

# Settings accept Regions of this partition only.
PARTITION: Final = "aws"


class Table(StrEnum):
    """The tables that replicate to every Region."""

    CHECKOUT = "checkout"
    CHECKOUT_OUTBOX = "checkout-outbox"
    LOYALTY_EVENTS = "loyalty-events"
    SINGLE_VIEW = "single-view"


class Queue(StrEnum):
    """The queues of a cell that carry work; each has a dead-letter queue."""

    CHECKOUT_COMMANDS = "checkout-commands"
    CHECKOUT_HOT_ITEMS = "checkout-hot-items"
    CHECKOUT_SAGA_START = "checkout-saga-start"
    CHECKOUT_AVAILABILITY = "checkout-availability"
    LOYALTY_PURCHASES = "loyalty-purchases"
    LOYALTY_PROJECTION_HINTS = "loyalty-projection-hints"
    SINGLE_VIEW_UPDATES = "single-view-updates"


TOKENS: Final = "tokens"
"""What the names of token queues begin with, before their number."""
LOYALTY_PROJECTIONS: Final = "loyalty-projections"
EVENT_TARGET_DEAD_LETTERS: Final = "event-target-dead-letters"
RESERVATIONS_BY_EXPIRY: Final = "reservations-by-expiry"
ORDERS_BY_CUSTOMER: Final = "orders-by-customer"
CHECKOUT_REPAIR: Final = "checkout-repair"
BUS: Final = PROJECT


def resource_name(part: str) -> str:
    """Return the name that a thing of this project has in every Region."""
    return f"{PROJECT}-{part}"


def dead_letters(queue: Queue) -> str:
    """Return the part of the name of a queue's dead-letter queue."""
    return f"{queue}-dead-letters"


def repository_name(context: Context) -> str:
    """Return the name of the ECR repository of a bounded context."""
    return f"{PROJECT}/{context}"


def arn(service: str, resource: str, *, region: str, account: str) -> str:
    """Return an ARN; `region` and `account` are empty where the service leaves them out."""
    return f"arn:{PARTITION}:{service}:{region}:{account}:{resource}"


def account_arn(account: str) -> str:
    """Return the ARN that stands for all principals of the account that IAM permits."""
    return arn("iam", "root", region="", account=account)


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where a component's resources stand, and in which stack: their Region, account, names, ARNs and tags."""

    region: str
    account: str
    stack: str

    @classmethod
    def of(cls, settings: Settings, *, region: str) -> "Placement":
        """Return the placement in `region` for the stack that is being deployed, in the account of the caller."""
        return cls(region=region, account=aws.get_caller_identity().account_id, stack=settings.stack)

    def at(self, region: str) -> "Placement":
        """Return the same stack's placement in another Region."""
        return Placement(region=region, account=self.account, stack=self.stack)

    def iam_name(self, part: str) -> str:
        """Return the name of a role or a policy, which the account's Regions must not share."""
        return f"{resource_name(part)}-{self.region}"

    def tags(self, component: str) -> dict[str, str]:
        """Return the tags of everything that a component makes; costs are read by them."""
        return {"Project": PROJECT, "Stack": self.stack, "Component": component, "ManagedBy": "pulumi"}

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a Regional resource of this placement."""
        return arn(service, resource, region=self.region, account=self.account)

    def table_arn(self, part: str) -> str:
        """Return the ARN of this Region's replica of a table, or of a table of the cell."""
        return self.arn("dynamodb", f"table/{resource_name(part)}")

    def queue_arn(self, part: str) -> str:
        """Return the ARN of a queue of the cell, by `Queue`, `dead_letters(…)` or `EVENT_TARGET_DEAD_LETTERS`."""
        return self.arn("sqs", resource_name(part))

    def bus_arn(self) -> str:
        """Return the ARN of the Region's event bus."""
        return self.arn("events", f"event-bus/{BUS}")

    def rule_arn(self, rule: str) -> str:
        """Return the ARN of a rule on the Region's bus, by the rule's whole name (`resource_name(…)` of a part)."""
        return self.arn("events", f"rule/{BUS}/{rule}")

    def function_arn(self, part: str) -> str:
        """Return the ARN of a function, without a version or an alias."""
        return self.arn("lambda", f"function:{resource_name(part)}")

    def state_machine_arn(self, part: str) -> str:
        """Return the ARN of a state machine."""
        return self.arn("states", f"stateMachine:{resource_name(part)}")

    def log_group_arn(self, log_group: str) -> str:
        """Return the ARN of a log group with all its streams, as IAM wants it."""
        return self.arn("logs", f"log-group:{log_group}:*")

    def role_arn(self, part: str) -> str:
        """Return the ARN of a role named by `iam_name`."""
        return arn("iam", f"role/{self.iam_name(part)}", region="", account=self.account)

    def unpublished_events_bucket(self) -> str:
        """Return the name of the bucket of unpublished events; bucket names are shared by all accounts."""
        return f"{resource_name('unpublished-events')}-{self.account}-{self.region}"

    def endpoint(self, service: str) -> str:
        """Return the host of a service in this Region, also the value of `kms:ViaService`."""
        return f"{service}.{self.region}.amazonaws.com"


def placements(settings: Settings) -> Sequence[Placement]:
    """Return a placement for each Region of the list, in its order, for the global stack."""
    first = Placement.of(settings, region=settings.regions[0])
    return [first.at(region) for region in settings.regions]
