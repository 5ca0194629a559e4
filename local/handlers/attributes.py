"""What SQS and SNS share: all settings of a resource are one map of texts."""

from collections.abc import Mapping
from dataclasses import replace

from local.handlers.base import Properties
from local.recording import RecordedResource


def attributes(inputs: Properties, names: Mapping[str, str]) -> dict[str, str]:
    """Return the map of texts that the service wants."""
    found = {names[key]: value for key, value in inputs.items() if key in names and value is not None}
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in found.items()}


def with_attributes(resource: RecordedResource, names: Mapping[str, str]) -> RecordedResource:
    """Return the resource with the map as one more input, for the generic handler."""
    return replace(resource, inputs={**resource.inputs, "attributes": attributes(resource.inputs, names)})
