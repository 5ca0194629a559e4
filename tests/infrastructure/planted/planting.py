"""More ways to plant a defect than a changed input: options, outputs of a stack, and what a test calls itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from local.recording import Graph, RecordedResource
from tests.policies.planting import CELL, Defect, NothingToChangeError, Resources

PROGRAM: Final = "program"


@dataclass(frozen=True, kw_only=True)
class ExportDefect:
    """Another output of a stack."""

    what: str
    stack: str
    change: Callable[[dict[str, Any]], Any]


@dataclass(frozen=True, kw_only=True)
class ProgramDefect:
    """Another behaviour of something that the test calls by `name` in its own module."""

    what: str
    name: str
    change: Callable[[Any], Any]
    stack: str = PROGRAM


@dataclass(frozen=True, kw_only=True)
class DeployedDefect:
    """A defect of the deployed program that its preview has not."""

    what: str
    stack: str
    defect: Defect


AnyDefect = Defect | DeployedDefect | ExportDefect | ProgramDefect


def marked(type_: str, what: str, *, stack: str = CELL, named: str = "", **fields: Any) -> Defect:
    """Change what is no input of the first such resource: options, dependencies, its parent."""

    def plant(resources: Resources) -> list[RecordedResource]:
        changed = list(resources)
        for index, resource in enumerate(changed):
            if resource.type == type_ and named in resource.name:
                changed[index] = replace(resource, **fields)
                return changed
        raise NothingToChangeError(f"{type_} {named}")

    return Defect(what=f"{type_.rpartition(':')[2]} {what}", stack=stack, plant=plant)


def missing(type_: str, named: str, *, stack: str = CELL) -> Defect:
    """Remove one resource."""

    def plant(resources: Resources) -> list[RecordedResource]:
        left = [resource for resource in resources if resource.type != type_ or named not in resource.name]
        if len(left) == len(resources):
            raise NothingToChangeError(f"{type_} {named}")
        return left

    return Defect(what=f"no {type_.rpartition(':')[2]} {named}", stack=stack, plant=plant)


def twice(type_: str, *, stack: str = CELL) -> Defect:
    """Add a copy of the first such resource: the same but for its URN."""

    def plant(resources: Resources) -> list[RecordedResource]:
        first = next(resource for resource in resources if resource.type == type_)
        return [*resources, replace(first, urn=f"{first.urn}-again")]

    return Defect(what=f"a second {type_.rpartition(':')[2]} of one name", stack=stack, plant=plant)


def instead(what: str, name: str, change: Callable[[Any], Any]) -> ProgramDefect:
    """Replace what a test calls by `name` with what `change` makes of it."""
    return ProgramDefect(what=what, name=name, change=change)


def ignoring(name: str, what: str) -> ProgramDefect:
    """Let a check that a test calls find nothing."""
    return instead(what, name, lambda _: always(None))


def always(answer: Any) -> Callable[..., Any]:
    """Return a function that answers so, whatever it is asked."""

    def answered(*_arguments: Any, **_options: Any) -> Any:
        return answer

    return answered


def planted_graphs(graphs: Mapping[str, Graph], defect: Defect | DeployedDefect | ExportDefect) -> dict[str, Graph]:
    """Return the graphs, with the defect in the one of its stack."""
    if isinstance(defect, DeployedDefect):
        defect = defect.defect
    original = graphs[defect.stack]
    changed = Graph(defect.stack)
    changed.outputs = original.outputs
    if isinstance(defect, ExportDefect):
        outputs: dict[str, Any] = _copy(original.outputs)
        defect.change(outputs)
        changed.outputs = outputs
    for resource in defect.plant(list(original)) if isinstance(defect, Defect) else original:
        changed.put(resource)
    return {**graphs, defect.stack: changed}


def recording(defect: Defect) -> ProgramDefect:
    """Plant a defect into what a test records itself, of a tree of its own."""

    def change(record: Callable[..., Any]) -> Any:
        def recorded(*arguments: Any, **options: Any) -> Any:
            monitors = record(*arguments, **options)
            graphs = planted_graphs({stack: monitor.graph for stack, monitor in monitors.items()}, defect)
            for stack, monitor in monitors.items():
                monitor.graph = graphs[stack]
            return monitors

        return recorded

    return instead(f"{defect.what} in {defect.stack}", "record", change)


def _copy(node: Any) -> Any:
    match node:
        case Mapping():
            return {key: _copy(value) for key, value in node.items()}
        case list():
            return [_copy(member) for member in node]
        case _:
            return node
