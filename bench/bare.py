"""A program of the same resources as the real one, and nothing else: written down flat, wired to each other, no logic.

What another resource answers is passed on as an output in both; whatever a value is made of stands here as a constant.
"""

import importlib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import pulumi
from pulumi import _types  # pyright: ignore[reportPrivateUsage]

from local.recording import RecordedResource
from tests.validators.sdk_arguments import arguments_type

Made = dict[str, pulumi.Resource]
Declaration = Callable[[Made], pulumi.Resource]
declarations: dict[str, Declaration] = {}
"""What the program declares when it is evaluated, by URN; set before, so that reading it is not measured."""


def declare() -> None:
    """Declare everything; this is the whole program."""
    made: Made = {}
    for urn, declaration in declarations.items():
        made[urn] = declaration(made)


def prepare(resources: Iterable[RecordedResource]) -> None:
    """Make the program of what was recorded."""
    declarations.clear()
    declarations.update({resource.urn: _declaration(resource) for resource in resources})


def _declaration(resource: RecordedResource) -> Declaration:
    name = resource.name
    if resource.type == "pulumi:pulumi:StackReference":
        return lambda _: pulumi.StackReference(name, stack_name=resource.id)
    if not resource.custom:
        return lambda made: pulumi.ComponentResource(resource.type, name, None, _options(resource, made))
    class_, names = _class(resource.type), _arguments(resource.type)
    constants = {names[key]: value for key, value in resource.inputs.items()}
    wired = {names[key]: urns for key, urns in resource.property_dependencies.items() if urns}

    def declaration(made: Made) -> pulumi.Resource:
        arguments = {
            key: _passed_on(value, [made[urn] for urn in wired.get(key, ()) if urn in made])
            for key, value in constants.items()
        }
        return class_(name, **arguments, opts=_options(resource, made))

    return declaration


def _passed_on(value: Any, sources: list[pulumi.Resource]) -> Any:
    """Return the value with outputs of its sources in it: as one text, the least that a program can do."""
    match value:
        case _ if not sources:
            return value
        case dict() if value:
            key = next((key for key, part in value.items() if isinstance(part, str | dict | list)), next(iter(value)))
            return {**value, key: _passed_on(value[key], sources)}
        case list() if value:
            return [_passed_on(value[0], sources), *value[1:]]
        case _ if len(sources) == 1:
            return sources[0].urn.apply(lambda _: value)
        case _:
            return pulumi.Output.all(*(source.urn for source in sources)).apply(lambda _: value)


def _options(resource: RecordedResource, made: Made) -> pulumi.ResourceOptions:
    passed_on = {urn for urns in resource.property_dependencies.values() for urn in urns}
    return pulumi.ResourceOptions(
        parent=made.get(resource.parent),
        depends_on=[made[urn] for urn in resource.dependencies if urn in made and urn not in passed_on],
    )


@cache
def _class(type_: str) -> Callable[..., pulumi.Resource]:
    module = importlib.import_module(arguments_type(type_).__module__)
    return getattr(module, type_.rpartition(":")[2])


@cache
def _arguments(type_: str) -> Mapping[str, Any]:
    """Return the SDK's names by the provider's."""
    return {theirs: ours for ours, theirs in _types.input_type_py_to_pulumi_names(arguments_type(type_)).items()}
