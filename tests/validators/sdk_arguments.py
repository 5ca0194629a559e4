"""Checks inputs against the SDK's own argument types at any depth: unknown, missing and mistyped properties.

The SDK itself looks at the top level only, where Python does; a misspelt key of a nested mapping reaches the provider.
"""

import collections.abc
import importlib
import inspect
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final, cast

import pulumi
from pulumi import _types  # pyright: ignore[reportPrivateUsage]
from pulumi.output import Unknown

from local.recording import RecordedResource

_PACKAGES: Final = {"aws": "pulumi_aws", "docker-build": "pulumi_docker_build"}
_SCALARS: Final[Mapping[type, tuple[type, ...]]] = {
    str: (str,),
    bool: (bool,),
    int: (int,),
    # The wire knows one kind of number.
    float: (int, float),
}


class UnknownTypeError(Exception):
    """The SDK has no class for a type token."""


def violations(resources: Iterable[RecordedResource]) -> list[str]:
    """Return what does not fit, each with the resource, the path and the rule."""
    return [
        f"{resource.urn} {problem}"
        for resource in resources
        if resource.custom and resource.type.split(":")[0] in _PACKAGES
        for problem in _object(resource.inputs, arguments_type(resource.type), "")
    ]


@cache
def arguments_type(token: str) -> type:
    """Return the class of the arguments of a resource type, such as `pulumi_aws.sqs.QueueArgs`."""
    package, module, name = token.split(":")
    folder = module.partition("/")[0]
    path = _PACKAGES[package] + ("" if folder == "index" else f".{ {'lambda': 'lambda_'}.get(folder, folder) }")
    try:
        resource = getattr(importlib.import_module(path), name)
    except (ImportError, AttributeError) as error:
        raise UnknownTypeError(f"{token}: {path} has no class {name}") from error
    declared = importlib.import_module(resource.__module__)
    # `…InitArgs` where a nested type of the service has the name already.
    return getattr(declared, f"{name}InitArgs", None) or getattr(declared, f"{name}Args")


def _object(value: Mapping[str, Any], arguments: type, path: str) -> Iterator[str]:
    properties = _types.input_type_types(arguments)
    for key in value.keys() - properties.keys():
        yield f"{_join(path, key)}: no such property of {arguments.__name__}; there are {', '.join(sorted(properties))}"
    for key in _required(arguments) - value.keys():
        yield f"{_join(path, key)}: {arguments.__name__} needs it"
    for key in value.keys() & properties.keys():
        yield from _value(value[key], properties[key], _join(path, key))


@cache
def _required(arguments: type) -> frozenset[str]:
    names = _types.input_type_py_to_pulumi_names(arguments)
    parameters = inspect.signature(arguments.__init__).parameters.values()
    return frozenset(
        names[parameter.name]
        for parameter in parameters
        if parameter.default is inspect.Parameter.empty and parameter.name in names
    )


def _value(value: Any, expected: Any, path: str) -> Iterator[str]:
    expected = _types.unwrap_type(expected)
    origin = typing.get_origin(expected)
    if value is None or isinstance(value, Unknown) or expected is Any:
        return
    if origin in (typing.Union, types.UnionType):
        yield from _one_of(value, typing.get_args(expected), path)
    elif origin in (list, collections.abc.Sequence):
        yield from _list(value, typing.get_args(expected)[0], path)
    elif origin in (dict, collections.abc.Mapping):
        yield from _mapping(value, typing.get_args(expected)[1], path)
    elif _types.is_input_type(expected):
        if isinstance(value, Mapping):
            yield from _object(cast("Mapping[str, Any]", value), expected, path)
        else:
            yield f"{path}: {value!r} is no {expected.__name__}"
    elif issubclass(expected, pulumi.Asset | pulumi.Archive):
        if not isinstance(value, expected):
            yield f"{path}: {value!r} is no {expected.__name__}"
    else:
        yield from _scalar(value, expected, path)


def _one_of(value: Any, expected: tuple[Any, ...], path: str) -> Iterator[str]:
    # A recorded value is settled: what may still arrive of it does not count.
    settled = (one for one in expected if typing.get_origin(one) not in (pulumi.Output, collections.abc.Awaitable))
    attempts = [list(_value(value, one, path)) for one in settled]
    yield from min(attempts, key=len)


def _list(value: Any, expected: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: {value!r} is no list"
        return
    for index, item in enumerate(cast("list[Any]", value)):
        yield from _value(item, expected, f"{path}[{index}]")


def _mapping(value: Any, expected: Any, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path}: {value!r} is no mapping"
        return
    for key, item in cast("Mapping[str, Any]", value).items():
        yield from _value(item, expected, _join(path, key))


def _scalar(value: Any, expected: type, path: str) -> Iterator[str]:
    if issubclass(expected, str) and expected is not str:  # an enumeration of the SDK
        allowed = [member.value for member in cast("Any", expected)]
        if value not in allowed:
            yield f"{path}: {value!r} is none of {', '.join(allowed)}"
        return
    accepted = _SCALARS.get(expected)
    if accepted is None:
        raise UnknownTypeError(f"{path}: the SDK wants {expected!r}, which this check does not know")
    # A truth value is a whole number to Python, not to the provider.
    if not isinstance(value, accepted) or (isinstance(value, bool) and expected is not bool):
        yield f"{path}: {value!r} is no {expected.__name__}"


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
