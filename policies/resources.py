"""A resource and a stack as rules see them, whether the engine asks, a test or a recorded graph."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from pulumi_policy import PolicyResource, ResourceValidationArgs

from policies.properties import UNKNOWN, Properties

# What other resources call a resource by.
_IDENTITIES: Final = (
    "arn",
    "id",
    "url",
    "name",
    "bucket",
    "executionArn",
    "functionName",
    "repositoryUrl",
    "stageName",
)


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource with its inputs (and, in a rule over the whole stack, its outputs)."""

    urn: str
    type: str
    name: str
    given: Any
    """The properties as they were handed over."""
    protect: bool = False
    parent: str = ""
    property_dependencies: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])

    @classmethod
    def of(cls, given: ResourceValidationArgs | PolicyResource) -> "Resource":
        """Read what the engine hands over."""
        dependencies: dict[str, frozenset[str]] = {}
        if isinstance(given, PolicyResource):
            dependencies = {
                name: frozenset(resource.urn for resource in resources)
                for name, resources in given.property_dependencies.items()
            }
        return cls(
            urn=given.urn,
            type=given.resource_type,
            name=given.name,
            given=given.props,
            protect=bool(given.opts.protect),
            parent=given.opts.parent or "",
            property_dependencies=dependencies,
        )

    @cached_property
    def properties(self) -> Properties:
        """The properties; read when a rule asks for them, which most rules do for few resources."""
        return Properties.of(self.given)

    @property
    def stack(self) -> str:
        """The stack that the resource belongs to, as its URN says."""
        return self.urn.removeprefix("urn:pulumi:").partition("::")[0]

    @property
    def project(self) -> str:
        """The project that the resource belongs to, as its URN says."""
        return self.urn.split("::")[1]


class Stack:
    """All resources of a stack, and how they refer to each other."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._by_type: dict[str, list[Resource]] = {}
        for resource in resources:
            self._by_type.setdefault(resource.type, []).append(resource)

    def __iter__(self) -> Iterator[Resource]:
        for resources in self._by_type.values():
            yield from resources

    def of_type(self, *types: str) -> Iterator[Resource]:
        """Yield the resources of these types."""
        for type_ in types:
            yield from self._by_type.get(type_, ())

    @property
    def name(self) -> str:
        """The name of the stack; empty if it has no resource."""
        return next((resource.stack for resource in self), "")

    def referring(self, type_: str, path: str, target: Resource) -> list[Resource]:
        """Return the resources of a type whose property points at the target."""
        return [resource for resource in self.of_type(type_) if refers(resource, path, target)]

    def target(self, resource: Resource, path: str, *types: str) -> Resource | None:
        """Return the resource of these types that a property points at, if it is in this stack."""
        return next((candidate for candidate in self.of_type(*types) if refers(resource, path, candidate)), None)


def refers(resource: Resource, path: str, target: Resource) -> bool:
    """Return whether a property points at the target: by its value where that is known, else by its dependencies.

    A name says as much as an ARN: names here are explicit, and an ARN may be written down without asking its resource.
    """
    known = resource.properties.known_texts(path)
    if any(is_identity(value, target) for value in known):
        return True
    return target.urn in resource.property_dependencies.get(path.partition(".")[0], ())


def is_identity(value: str, target: Resource) -> bool:
    """Return whether a text is an id, a name, a URL or an ARN of the target, in the target's Region if it says one."""
    own = {text for key in _IDENTITIES for text in target.properties.known_texts(key)}
    arn = value.split(":", 5)
    if len(arn) < 6 or arn[0] != "arn":
        # Also a URL that ends with the name (a queue's).
        return value in own or value.rsplit("/", 1)[-1] in own
    region = target.properties.peek("region")
    if region not in (None, UNKNOWN) and arn[3] and arn[3] != region:
        return False
    # `function:name:live`, `rule/bus/name`, `table/name`; a log group's name has slashes: `log-group:/a/b:*`.
    after_kind = arn[5].partition(":")[2].removesuffix(":*")
    return value in own or after_kind in own or not own.isdisjoint(arn[5].replace("/", ":").split(":"))
