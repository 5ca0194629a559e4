"""Handles the types whose inputs map one to one onto an AWS operation: what differs is data, not code."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import jmespath
from botocore.exceptions import ClientError

from local import computed
from local.handlers.base import Context, Handler, Properties, State, declared_state, is_missing
from local.handlers.shapes import parameters
from local.recording import RecordedResource


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """How one resource type maps onto its service."""

    service: str
    create: str
    # The parameters that name the resource in every other operation: API member → Pulumi property, or `id`.
    identity: Mapping[str, str]
    read: str = ""
    update: str = ""
    delete: str = ""
    # API member → Pulumi property, where the names differ.
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    # Pulumi output → JMESPath in the answer of `create`; the output `id` is the resource's id.
    outputs: Mapping[str, str] = field(default_factory=dict[str, str])
    # Properties that only a replacement changes, beside Region and name.
    replaced_by: tuple[str, ...] = ()
    # The structure that holds, in the API, what Pulumi has as top-level properties.
    wrapper: str = ""
    # Properties that Pulumi generates from the resource's name if they are not declared.
    generated: tuple[str, ...] = ()
    # Parameters that Pulumi has no property for.
    constants: Mapping[str, Any] = field(default_factory=dict[str, Any])


class GenericHandler(Handler):
    """The five verbs, each one operation."""

    def __init__(self, operations: Operations) -> None:
        self.operations = operations
        self.replaced_by = (*Handler.replaced_by, *operations.replaced_by)
        self.observed_as = operations.names

    def create(self, context: Context, resource: RecordedResource) -> State:
        """Call the creating operation with every input that it takes."""
        answer = self._call(context, self.operations.create, resource)
        return self.state(context, resource, answer)

    def state(self, context: Context, resource: RecordedResource, answer: Properties) -> State:
        """Return id and outputs: what AWS builds, then what the service answered."""
        id_, outputs = declared_state(context, resource)
        real = {name: jmespath.search(path, answer) for name, path in self.operations.outputs.items()}
        outputs |= {key: outputs["name"] for key in self.operations.generated if key not in resource.inputs}
        outputs |= {name: value for name, value in real.items() if value is not None}
        return str(real.get("id") or id_), outputs

    def read(self, context: Context, resource: RecordedResource) -> dict[str, Any] | None:
        """Return the service's description as it is."""
        if not self.operations.read:
            return {}
        try:
            return self._call_known(context, self.operations.read, resource)
        except ClientError as error:
            if is_missing(error):
                return None
            raise

    def adopt(self, context: Context, resource: RecordedResource) -> dict[str, Any]:
        """Return what the declaration and the service's own description tell."""
        # The description of an existing resource names it as the answer of its creation did; where it does not, the id
        # is what the outputs of the same place in that answer are.
        paths = self.operations.outputs
        same = {name: resource.id for name, path in paths.items() if path == paths.get("id")}
        known = replace(resource, outputs={**declared_state(context, resource)[1], **same})
        return self.state(context, known, self.read(context, known) or {})[1] | same

    def update(self, context: Context, old: RecordedResource, new: RecordedResource) -> dict[str, Any]:
        """Call the updating operation with the inputs that it takes."""
        del old
        if self.operations.update:
            self._call(context, self.operations.update, new, self._naming(context, self.operations.update, new))
        return {**new.outputs, **declared_state(context, new)[1], **_real(new)}

    def delete(self, context: Context, resource: RecordedResource) -> None:
        """Call the deleting operation."""
        if not self.operations.delete:
            return
        try:
            self._call_known(context, self.operations.delete, resource)
        except ClientError as error:
            if not is_missing(error):
                raise

    def identity(self, resource: RecordedResource) -> dict[str, Any]:
        """Return the parameters that name the resource; what need not be declared, and is not, names nothing."""
        known = {**resource.inputs, **resource.outputs, "id": resource.id, "name": _physical_name(resource)}
        return {member: known[key] for member, key in self.operations.identity.items() if key in known}

    def _call_known(self, context: Context, operation: str, resource: RecordedResource) -> dict[str, Any]:
        """Call an operation that takes nothing but what names the resource."""
        known = self._naming(context, operation, resource)
        return context.call(self.operations.service, resource.region, operation, known)

    def _naming(self, context: Context, operation: str, resource: RecordedResource) -> dict[str, Any]:
        """Return what of the identity an operation takes: to describe a domain, its pool is not asked for."""
        taken = context.input_shape(self.operations.service, operation).members
        return {member: value for member, value in self.identity(resource).items() if member in taken}

    def _call(
        self, context: Context, operation: str, resource: RecordedResource, identity: Properties | None = None
    ) -> dict[str, Any]:
        name = _physical_name(resource)
        inputs = {**dict.fromkeys(self.operations.generated, name), **resource.inputs, "name": name}
        if self.operations.wrapper:
            inputs[self.operations.wrapper] = resource.inputs
        shape = context.input_shape(self.operations.service, operation)
        known = {**parameters(shape, inputs, self.operations.names), **self.operations.constants, **(identity or {})}
        return context.call(self.operations.service, resource.region, operation, known)


def _physical_name(resource: RecordedResource) -> str:
    return computed.physical_name(resource.type, resource.name, resource.inputs)


def _real(resource: RecordedResource) -> dict[str, Any]:
    """Return the outputs that only the service knew; an update does not change them."""
    return {key: value for key, value in resource.outputs.items() if key not in resource.inputs}
