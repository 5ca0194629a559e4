"""JSON texts of values that hold outputs.

`pulumi.Output.json_dumps` makes an output of every part of a document, constants included; a policy has a hundred.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pulumi


def json_document(value: object) -> pulumi.Output[str]:
    """Return the JSON text of a value once the outputs in it are known."""
    outputs: list[pulumi.Output[Any]] = []
    _collect(value, outputs)
    return pulumi.Output.all(*outputs).apply(lambda known: json.dumps(_filled(value, iter(known))))


def _collect(value: object, outputs: list[pulumi.Output[Any]]) -> None:
    match value:
        case pulumi.Output():
            outputs.append(cast("pulumi.Output[Any]", value))
        case Mapping():
            for part in cast("Mapping[str, object]", value).values():
                _collect(part, outputs)
        case str():
            return
        case Sequence():
            for part in cast("Sequence[object]", value):
                _collect(part, outputs)
        case _:
            return


def _filled(value: object, known: Any) -> object:
    """Put the known values in the places of the outputs, in the order in which they were collected."""
    match value:
        case pulumi.Output():
            return next(known)
        case Mapping():
            return {key: _filled(part, known) for key, part in cast("Mapping[str, object]", value).items()}
        case str():
            return value
        case Sequence():
            return [_filled(part, known) for part in cast("Sequence[object]", value)]
        case _:
            return value
