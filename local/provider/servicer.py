"""The provider's side of the engine's protocol: every verb is a handler's verb.

Held to what the published provider does where a deployment depends on it: what exists already is refused (by the
services, and by the ledger for what they do not hold), what has a declared name is deleted before it is replaced, and
reading finds what was changed by hand.
"""

import importlib.metadata
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn, TypeVar

import grpc
from botocore.exceptions import ClientError
from google.protobuf import empty_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from local import computed
from local.deployment import Handling
from local.handlers.base import DEFAULT_REGION, Context, Diff, Handler, Properties, is_missing
from local.handlers.registry import handler_for
from local.provider import wire
from local.provider.ledger import Entry, Ledger
from local.provider.observation import changed, declared_as, observe
from local.recording import RecordedResource

# Beside the outputs, in the state: what the service said after the last deployment, and that the declaration is not
# known yet, because the resource was imported. The engine does not show such keys.
_OBSERVED: Final = "__observed"
_ADOPTED: Final = "__adopted"
_INTERNAL: Final = (_OBSERVED, _ADOPTED)

_Answer = TypeVar("_Answer")


class ExistsAlreadyError(Exception):
    """What is to be created exists, and this deployment did not make it."""


class GoneError(Exception):
    """What is to be updated does not exist any more."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The resource that a call of the engine is about."""

    handler: Handler
    resource: RecordedResource

    @property
    def is_declared_only(self) -> bool:
        """Whether the embedded AWS holds nothing of it."""
        return self.handler.handling is not Handling.EMULATED


class ProviderServicer(provider_pb2_grpc.ResourceProviderServicer):
    """Serves one package, such as `aws`; one instance a plugin process. Called from several threads."""

    def __init__(self, package: str, context: Context, ledger: Ledger) -> None:
        self._package = package
        self._context = context
        self._ledger = ledger
        self._region = DEFAULT_REGION

    # The names of the methods are those of the gRPC service.

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Tell the version of the SDK: the engine looks for that one."""
        return plugin_pb2.PluginInfo(version=importlib.metadata.version(f"pulumi-{self._package}"))

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Take the configuration as it is: the embedded AWS needs none."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """No configuration replaces the provider."""
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Say what is understood; secrets arrive unwrapped, the engine keeps them secret in the state."""
        self._region = request.variables.get("aws:config:region") or DEFAULT_REGION
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Calls here take milliseconds: there is nothing to interrupt."""
        return empty_pb2.Empty()

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Refuse a type that has no handler; add nothing."""
        _answered(context, lambda: handler_for(_type(request.urn)))
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Compare declarations."""
        return _answered(context, lambda: self._diff(request))

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Create by the handler; in preview the declaration is all that is known."""
        return _answered(context, lambda: self.create(request))

    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Find a resource again, with what was changed by hand, or adopt one that no state knows."""
        return _answered(context, lambda: self._read(request))

    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Update by the handler."""
        return _answered(context, lambda: self._update(request))

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Delete by the handler."""
        return _answered(context, lambda: self._delete(request))

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Answer a data source."""
        known = wire.properties(request.args)
        answer = _answered(context, lambda: computed.invoke(request.tok, known, account=self._context.account))
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(wire.struct(answer))  # a keyword of Python
        return response

    def create(self, request: Any) -> Any:
        """Create one resource; the state may be lost after this, if the engine is killed."""
        subject = _subject(request.urn, wire.properties(request.properties))
        if request.preview:
            unknown = {key: rpc.UNKNOWN for key in subject.handler.enriched if key in subject.resource.inputs}
            return provider_pb2.CreateResponse(properties=wire.struct({**subject.resource.inputs, **unknown}))
        id_, outputs = subject.handler.create(self._context, subject.resource)
        made = replace(subject.resource, id=id_, outputs=outputs)
        if subject.is_declared_only and not self._ledger.add(_entry(made)):
            _exists(made)
        return provider_pb2.CreateResponse(id=id_, properties=wire.struct(self._state(subject.handler, made)))

    def _diff(self, request: Any) -> Any:
        old, new = wire.properties(request.old_inputs), wire.properties(request.news)
        type_ = _type(request.urn)
        handler = handler_for(type_)
        diff = handler.diff(old, new)
        outputs = wire.properties(request.olds)
        if outputs.get(_ADOPTED):
            diff = _diff_of_adopted(diff, outputs, new)
        if not diff:
            return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)
        kinds = provider_pb2.PropertyDiff
        detailed = {key: kinds(kind=kinds.UPDATE, inputDiff=True) for key in diff.update}
        detailed |= {key: kinds(kind=kinds.UPDATE_REPLACE, inputDiff=True) for key in diff.replace}
        # Two of one name can not live at the same time; what is only declared has an id made of its name.
        name = computed.name_property(type_)
        same_name = handler.handling is not Handling.EMULATED or (name in new and old.get(name) == new[name])
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME,
            diffs=[*diff.update, *diff.replace],
            replaces=diff.replace,
            deleteBeforeReplace=bool(diff.replace) and same_name,
            detailedDiff=detailed,
            hasDetailedDiff=True,
        )

    def _read(self, request: Any) -> Any:
        outputs, inputs = wire.properties(request.properties), wire.properties(request.inputs)
        before = outputs.get(_OBSERVED, {})
        known = {key: value for key, value in outputs.items() if key not in _INTERNAL}
        subject = _subject(request.urn, inputs, id_=request.id, outputs=known)
        if not outputs:
            return self._adopt(subject)
        real = self._real(subject)
        if real is None:
            return provider_pb2.ReadResponse()
        now = observe(inputs, real, subject.handler.observed_as)
        by_hand = {key: declared_as(value, inputs[key], key=key) for key, value in changed(before, now).items()}
        return provider_pb2.ReadResponse(
            id=request.id,
            properties=wire.struct({**outputs, **by_hand, _OBSERVED: now}),
            inputs=wire.struct({**inputs, **by_hand}),
        )

    def _adopt(self, subject: Subject) -> Any:
        """Return what exists under the id, as if nothing had been declared.

        Its creation may have been cut off half way, so the next deployment sets everything again.
        """
        handler = subject.handler
        # As the published provider has it: an id of another Region than the configured one is `<id>@<region>`.
        id_, _, region = subject.resource.id.partition("@")
        name = re.split("[/:]", id_)[-1]
        identity = {computed.name_property(subject.resource.type): name, "region": region or self._region}
        resource = replace(subject.resource, id=id_, inputs={**identity, **subject.resource.inputs})
        adopted = replace(resource, outputs=handler.adopt(self._context, resource))
        if self._real(Subject(handler, adopted)) is None:
            return provider_pb2.ReadResponse()
        if subject.is_declared_only:
            self._ledger.put(_entry(adopted))
        properties = wire.struct({**self._state(handler, adopted), _ADOPTED: True})
        return provider_pb2.ReadResponse(id=id_, properties=properties, inputs=wire.struct({}))

    def _update(self, request: Any) -> Any:
        outputs, inputs = wire.properties(request.olds), wire.properties(request.news)
        for key in _INTERNAL:
            outputs.pop(key, None)
        new = _subject(request.urn, inputs, id_=request.id, outputs=outputs)
        old = _subject(request.urn, wire.properties(request.old_inputs), id_=request.id, outputs=outputs)
        if request.preview:
            planned = _planned(old, new.resource.inputs)
            return provider_pb2.UpdateResponse(properties=wire.struct(planned))
        updated = replace(new.resource, outputs=new.handler.update(self._context, old.resource, new.resource))
        if new.is_declared_only:
            self._ledger.put(_entry(updated))
        return provider_pb2.UpdateResponse(properties=wire.struct(self._state(new.handler, updated)))

    def _delete(self, request: Any) -> Any:
        outputs = wire.properties(request.properties)
        inputs = wire.properties(request.old_inputs) or outputs
        subject = _subject(request.urn, inputs, id_=request.id, outputs=outputs)
        subject.handler.delete(self._context, subject.resource)
        if subject.is_declared_only:
            self._ledger.remove(subject.resource.type, subject.resource.region, subject.resource.id)
        return empty_pb2.Empty()

    def _real(self, subject: Subject) -> dict[str, Any] | None:
        """Return what is real: the service's answer, or the ledger's entry."""
        resource = subject.resource
        if subject.is_declared_only:
            entry = self._ledger.get(resource.type, resource.region, resource.id)
            return None if entry is None else dict(entry.inputs)
        return self._described(subject.handler, resource)

    def _described(self, handler: Handler, resource: RecordedResource) -> dict[str, Any] | None:
        try:
            return handler.read(self._context, resource)
        except ClientError as error:
            if is_missing(error):
                return None
            raise

    def _state(self, handler: Handler, resource: RecordedResource) -> dict[str, Any]:
        """Return the outputs with what is observed now; a resource must exist when this is asked."""
        real = self._real(Subject(handler, resource))
        if real is None:
            message = f"{resource.urn}: {resource.id} was deployed, but the service does not know it"
            raise GoneError(message)
        return {**resource.outputs, _OBSERVED: observe(resource.inputs, real, handler.observed_as)}


def _subject(urn: str, inputs: Properties, *, id_: str = "", outputs: Properties | None = None) -> Subject:
    stack, type_, name = urn.split("::", maxsplit=1)[0].rsplit(":", 1)[-1], _type(urn), urn.split("::", 3)[-1]
    resource = RecordedResource(
        urn=urn, type=type_, name=name, custom=True, stack=stack, inputs=inputs, id=id_, outputs=outputs or {}
    )
    return Subject(handler_for(type_), resource)


def _diff_of_adopted(diff: Diff, outputs: Properties, new: Properties) -> Diff:
    """Replace an imported resource only for what it is known to be otherwise; all else is set again in place."""
    other = tuple(key for key in diff.replace if key in outputs and outputs[key] != new.get(key))
    return Diff(update=tuple(sorted({*diff.update, *diff.replace} - {*other})), replace=other)


def _planned(old: Subject, new: Properties) -> dict[str, Any]:
    """Return what an update will have made, as far as it is known before."""
    handler, before, outputs = old.handler, old.resource.inputs, old.resource.outputs
    planned = {**outputs, **new}
    for key in handler.enriched:
        if key in new:
            planned[key] = outputs.get(key) if before.get(key) == new[key] else rpc.UNKNOWN
    return planned | {key: rpc.UNKNOWN for key in handler.renewed if key in outputs}


def _type(urn: str) -> str:
    return urn.split("::")[2].rsplit("$", 1)[-1]


def _entry(resource: RecordedResource) -> Entry:
    return Entry(resource.type, resource.id, resource.region, resource.inputs)


def _exists(resource: RecordedResource) -> NoReturn:
    message = (
        f"{resource.type} {resource.id} exists already in {resource.region or 'the account'}: import it into the state "
        "or delete it (docs/runbooks/interrupted-up.md)"
    )
    raise ExistsAlreadyError(message)


def _answered(context: Any, answer: Callable[[], _Answer]) -> _Answer:
    """Return the answer; an error reaches the engine as its message, which the engine shows with the resource."""
    try:
        return answer()
    except Exception as error:
        context.abort(grpc.StatusCode.UNKNOWN, f"{type(error).__name__}: {error}")
        raise
