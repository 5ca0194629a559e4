"""How defects are planted into a recorded graph: a property, a document or a resource is changed, added or removed."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from local.recording import RecordedResource

GLOBAL: Final = "global"
CELL: Final = "us-east-1"
OTHER: Final = "eu-west-1"

Resources = Sequence[RecordedResource]
Properties = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Defect:
    """A change of one stack that a rule must notice."""

    what: str
    stack: str
    plant: Callable[[Resources], list[RecordedResource]]


class NothingToChangeError(Exception):
    """The program has no resource of that type any more: the defect must be planted elsewhere."""


def without(type_: str, path: str, *, stack: str = CELL, named: str = "") -> Defect:
    """Take one property of the first such resource by name away."""
    return _edited(f"{_short(type_)} without {path}", type_, lambda tree: _set(tree, path, None), stack, named)


def having(type_: str, path: str, value: Any, *, stack: str = CELL, named: str = "") -> Defect:
    """Set one property of the first such resource by name to another value."""
    return _edited(f"{_short(type_)} with {path} {value!r}", type_, lambda tree: _set(tree, path, value), stack, named)


def saying(
    type_: str, path: str, change: Callable[[Any], Any], what: str, *, stack: str = CELL, named: str = ""
) -> Defect:
    """Change the JSON document that a property of the first such resource by name holds."""

    def edit(tree: Properties) -> None:
        tree[path] = json.dumps(change(json.loads(tree[path])))

    return _edited(f"{_short(type_)} {what}", type_, edit, stack, named)


def allowing(type_: str, statement: Mapping[str, Any], what: str, *, path: str = "policy", named: str = "") -> Defect:
    """Add a statement to a policy."""
    added = {"Sid": "Planted", "Effect": "Allow", **statement}
    return saying(
        type_, path, lambda document: {**document, "Statement": [*document["Statement"], added]}, what, named=named
    )


def unprotected(type_: str, *, stack: str = CELL) -> Defect:
    """Take the option protect away."""

    def plant(resources: Resources) -> list[RecordedResource]:
        return _first(resources, type_, "", lambda resource: replace(resource, protect=False))

    return Defect(what=f"{_short(type_)} unprotected", stack=stack, plant=plant)


def gone(type_: str, *, stack: str = CELL) -> Defect:
    """Remove all resources of a type."""

    def plant(resources: Resources) -> list[RecordedResource]:
        left = [resource for resource in resources if resource.type != type_]
        if len(left) == len(resources):
            raise NothingToChangeError(type_)
        return left

    return Defect(what=f"no {_short(type_)}", stack=stack, plant=plant)


def new(type_: str, stack: str = CELL, /, **properties: Any) -> Defect:
    """Add a resource; one that is named like this is of no other defect."""
    region = {} if ":iam/" in type_ else {"region": stack if stack != GLOBAL else "us-east-1"}
    planted = RecordedResource(
        urn=f"urn:pulumi:{stack}::meridian::{type_}::planted",
        type=type_,
        name="planted",
        custom=True,
        stack=stack,
        inputs={**region, **properties},
        outputs={**region, **properties},
    )
    return Defect(what=f"a new {_short(type_)}", stack=stack, plant=lambda resources: [*resources, planted])


def _edited(what: str, type_: str, edit: Callable[[Properties], None], stack: str, named: str) -> Defect:
    def change(resource: RecordedResource) -> RecordedResource:
        inputs, outputs = _copy(resource.inputs), _copy({**resource.inputs, **resource.outputs})
        edit(inputs)
        edit(outputs)
        return replace(resource, inputs=inputs, outputs=outputs)

    return Defect(what=what, stack=stack, plant=lambda resources: _first(resources, type_, named, change))


def _first(
    resources: Resources, type_: str, named: str, change: Callable[[RecordedResource], RecordedResource]
) -> list[RecordedResource]:
    # By name: in which order resources are registered differs from run to run.
    for index, resource in sorted(enumerate(resources), key=lambda each: each[1].name):
        if resource.type == type_ and named in resource.name:
            return [*resources[:index], change(resource), *resources[index + 1 :]]
    raise NothingToChangeError(f"{type_} {named}")


def _set(tree: Properties, path: str, value: Any) -> None:
    node: Any = tree
    *parents, last = path.split(".")
    for key in parents:
        node = node[int(key)] if isinstance(node, list) else node.setdefault(key, {})
    if value is None:
        del node[last]
    else:
        node[last] = value


def _copy(node: Any) -> Any:
    match node:
        case Mapping():
            return {key: _copy(value) for key, value in node.items()}
        case list():
            return [_copy(member) for member in node]
        case _:
            return node


def _short(type_: str) -> str:
    return type_.rsplit(":", 1)[-1]


def containers_with(**changes: Any) -> Callable[[Any], Any]:
    """Return a change of a task's first container."""
    return lambda containers: [{**containers[0], **changes}]


def lacking(key: str) -> Callable[[Properties], Any]:
    """Return a change that takes a key away."""
    return lambda part: part.pop(key)


def first_operation(change: Callable[[Properties], Any]) -> Callable[[Any], Any]:
    """Return a change of one operation of an OpenAPI document."""

    def edit(document: Any) -> Any:
        change(document["paths"]["/v1/orders"]["post"])
        return document

    return edit


def first_task(change: Callable[[Properties], Any]) -> Callable[[Any], Any]:
    """Return a change of the first task of a state machine."""

    def edit(machine: Any) -> Any:
        change(next(state for state in machine["States"].values() if state["Type"] == "Task"))
        return machine

    return edit
