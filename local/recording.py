"""Records what a stack declares: every registration in full, as a graph that tests and the laptop mode read."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Protocol

from google.protobuf import empty_pb2
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import get_project, get_stack, is_dry_run
from pulumi.runtime.sync_await import _ensure_event_loop, _sync_await  # pyright: ignore[reportPrivateUsage]

from local import computed
from local.paths import ROOT
from local.program import evaluate
from local.project import GLOBAL_STACK, stack_names

STACK_TYPE: Final = "pulumi:pulumi:Stack"
STACK_REFERENCE_TYPE: Final = "pulumi:pulumi:StackReference"


class DuplicateResourceError(Exception):
    """Two resources of a stack have the same URN; the real engine refuses that too."""


class UnknownStackError(Exception):
    """A StackReference names a stack that was not evaluated before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedResource:
    """One resource as the program declared it, and what it became."""

    urn: str
    type: str
    name: str
    custom: bool
    stack: str
    parent: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    protect: bool = False
    aliases: tuple[str, ...] = ()
    provider: str = ""
    retain_on_delete: bool = False
    delete_before_replace: bool = False
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    source_position: str = ""

    @property
    def region(self) -> str:
        """The Region that the resource names; empty for what has none (IAM, components)."""
        return str(self.inputs.get("region") or "")


class Graph:
    """The resources of one stack in order of registration, with its outputs."""

    def __init__(self, stack: str) -> None:
        self.stack = stack
        self.outputs: Mapping[str, Any] = {}
        self._resources: dict[str, RecordedResource] = {}

    def __iter__(self) -> Iterator[RecordedResource]:
        return iter(list(self._resources.values()))

    def __len__(self) -> int:
        return len(self._resources)

    def __contains__(self, urn: str) -> bool:
        return urn in self._resources

    def by_urn(self, urn: str) -> RecordedResource:
        """Return the resource with this URN."""
        return self._resources[urn]

    def of_type(self, type_: str) -> list[RecordedResource]:
        """Return the resources of one type token, such as `aws:dynamodb/table:Table`."""
        return [resource for resource in self if resource.type == type_]

    def named(self, type_: str, name: str) -> RecordedResource:
        """Return the one resource of a type with this logical name."""
        found = [resource for resource in self.of_type(type_) if resource.name == name]
        if len(found) != 1:
            names = ", ".join(resource.name for resource in self.of_type(type_)) or "none"
            message = f"{len(found)} resources {name!r} of type {type_} in stack {self.stack}; there are: {names}"
            raise KeyError(message)
        return found[0]

    def children(self, urn: str) -> list[RecordedResource]:
        """Return the resources whose parent is `urn`."""
        return [resource for resource in self if resource.parent == urn]

    def descendants(self, urn: str) -> list[RecordedResource]:
        """Return everything beneath `urn`, parents before children."""
        return [below for child in self.children(urn) for below in (child, *self.descendants(child.urn))]

    def put(self, resource: RecordedResource) -> None:
        """Add a resource or the newer state of one that was added."""
        self._resources[resource.urn] = resource


class Backend(Protocol):
    """What a resource becomes: nothing but plausible outputs, or a real one in the embedded AWS."""

    def create(self, resource: RecordedResource) -> tuple[str, Mapping[str, Any]]:
        """Create the resource and return its id and its outputs, inputs included."""
        ...

    def read(self, resource: RecordedResource) -> tuple[str, Mapping[str, Any]]:
        """Return the state of a resource that exists already; its id is in `resource.id`."""
        ...

    def invoke(self, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a function call of the provider."""
        ...


class DeterministicBackend:
    """Creates nothing: ids, ARNs and URLs are built as AWS builds them, the same ones at every run."""

    def create(self, resource: RecordedResource) -> tuple[str, Mapping[str, Any]]:
        """Return the inputs and what AWS would have added to them."""
        return computed.state(resource.type, resource.name, resource.inputs)

    def read(self, resource: RecordedResource) -> tuple[str, Mapping[str, Any]]:
        """Return what is known of a foreign resource: its id."""
        _, outputs = computed.state(resource.type, resource.name, resource.inputs)
        return resource.id, outputs

    def invoke(self, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer the data sources that the program uses."""
        return computed.invoke(token, arguments)


class RecordingMonitor(MockMonitor):
    """A resource monitor that keeps every registration in `graph` and lets a backend say what it becomes.

    In preview the backend is not asked: like the real engine on a first deployment, ids and computed outputs are
    unknown. Pulumi calls it from several threads.
    """

    def __init__(
        self,
        stack: str,
        *,
        backend: Backend | None = None,
        references: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        super().__init__(_UnusedMocks())
        self.graph = Graph(stack)
        self._backend: Backend = backend or DeterministicBackend()
        self._references = references or {}
        self._lock = threading.Lock()

    # The names of the methods are those of the gRPC service.

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """Build the URN as the engine does: with the types of all parents but the stack."""
        parents = parent.split("::")[2] if parent else STACK_TYPE
        qualified = type_ if parents == STACK_TYPE else f"{parents}${type_}"
        return f"urn:pulumi:{get_stack()}::{get_project()}::{qualified}::{name}"

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        """Record a resource or a component and answer its id and outputs."""
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == STACK_TYPE:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        _ensure_event_loop()
        resource = RecordedResource(
            urn=urn,
            type=request.type,
            name=request.name,
            custom=request.custom,
            stack=get_stack() or "",
            parent=request.parent,
            inputs=_plain(rpc.deserialize_properties(request.object, keep_unknowns=True)),
            id=request.importId,
            dependencies=tuple(request.dependencies),
            property_dependencies={key: tuple(value.urns) for key, value in request.propertyDependencies.items()},
            protect=request.protect,
            aliases=tuple(request.aliasURNs) + tuple(str(alias.spec.name or alias.urn) for alias in request.aliases),
            provider=request.provider,
            retain_on_delete=request.retainOnDelete,
            delete_before_replace=request.deleteBeforeReplace,
            ignore_changes=tuple(request.ignoreChanges),
            replace_on_changes=tuple(request.replaceOnChanges),
            source_position=_position(request.sourcePosition),
        )
        self._add(resource)
        if not resource.custom or resource.type.startswith("pulumi:providers:"):
            return self._answer(resource, id_=resource.name if resource.custom else "", outputs=resource.inputs)
        if is_dry_run():
            return self._answer(resource, id_="", outputs=resource.inputs)
        id_, outputs = self._backend.create(resource)
        return self._answer(resource, id_=id_, outputs=outputs)

    def ReadResource(self, request: Any) -> Any:  # noqa: N802
        """Answer a StackReference, or a resource that the program gets by its id."""
        _ensure_event_loop()
        resource = RecordedResource(
            urn=self.make_urn(request.parent, request.type, request.name),
            type=request.type,
            name=request.name,
            custom=True,
            stack=get_stack() or "",
            parent=request.parent,
            inputs=_plain(rpc.deserialize_properties(request.properties, keep_unknowns=True)),
            id=request.id,
            dependencies=tuple(request.dependencies),
            provider=request.provider,
            source_position=_position(request.sourcePosition),
        )
        self._add(resource)
        if resource.type == STACK_REFERENCE_TYPE:
            id_, outputs = request.id, self._reference(str(request.id))
        else:
            id_, outputs = self._backend.read(resource)
        self.graph.put(replace(resource, id=id_, outputs=outputs))
        return resource_pb2.ReadResourceResponse(urn=resource.urn, id=id_, properties=_serialized(outputs))

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        """Keep what a component or the stack exports."""
        _ensure_event_loop()
        outputs = _plain(rpc.deserialize_properties(request.outputs, keep_unknowns=True))
        with self._lock:
            if request.urn in self.graph:
                self.graph.put(replace(self.graph.by_urn(request.urn), outputs=outputs))
            elif f"::{STACK_TYPE}::" in request.urn:
                self.graph.outputs = outputs
        return empty_pb2.Empty()

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        """Answer a data source."""
        _ensure_event_loop()
        arguments = _plain(rpc.deserialize_properties(request.args))
        answer = self._backend.invoke(request.tok, arguments)
        return resource_pb2.ResourceInvokeResponse(**{"return": _serialized(answer)})

    def _add(self, resource: RecordedResource) -> None:
        with self._lock:
            if resource.urn in self.graph:
                # Which of the two registrations arrives first is left to threads.
                places = sorted([self.graph.by_urn(resource.urn).source_position, resource.source_position])
                message = (
                    f"{resource.urn} is declared twice, at {' and '.join(places)}: give one another name or parent"
                )
                raise DuplicateResourceError(message)
            self.graph.put(resource)

    def _answer(self, resource: RecordedResource, *, id_: str, outputs: Mapping[str, Any]) -> Any:
        with self._lock:
            self.graph.put(replace(resource, id=id_, outputs=outputs))
        return resource_pb2.RegisterResourceResponse(urn=resource.urn, id=id_, object=_serialized(outputs))

    def _reference(self, name: str) -> Mapping[str, Any]:
        stack = name.rsplit("/", 1)[-1]
        if stack not in self._references:
            known = ", ".join(self._references) or "none"
            message = f"{get_stack()} refers to stack {name!r}, which was not evaluated before it (known: {known})"
            raise UnknownStackError(message)
        # Without an empty list of secret names Pulumi takes every output for a secret.
        return {"name": name, "outputs": dict(self._references[stack]), "secretOutputNames": []}


def record(
    directory: Path = ROOT, *, stacks: list[str] | None = None, preview: bool = False
) -> dict[str, RecordingMonitor]:
    """Evaluate the global stack, then the others, with deterministic outputs; returns a monitor a stack.

    In preview the Regions still see the known outputs of the global stack: it is deployed before them.
    """
    known = RecordingMonitor(GLOBAL_STACK)
    evaluate(monitor=known, stack=GLOBAL_STACK, directory=directory)
    references = {GLOBAL_STACK: known.graph.outputs}
    monitors: dict[str, RecordingMonitor] = {}
    for stack in stacks or stack_names(directory):
        if stack == GLOBAL_STACK and not preview:
            monitors[stack] = known
            continue
        monitors[stack] = RecordingMonitor(stack, references=references)
        evaluate(monitor=monitors[stack], stack=stack, directory=directory, preview=preview)
    return monitors


class _UnusedMocks(Mocks):
    """The base class wants mocks; the recording monitor overrides every method that would call them."""

    def call(self, args: MockCallArgs) -> Any:
        raise NotImplementedError(args.token)

    def new_resource(self, args: MockResourceArgs) -> Any:
        raise NotImplementedError(args.typ)


def _plain(value: Any) -> Any:
    """Unwrap secrets and give whole numbers back their type: protobuf carries every number as a float."""
    if rpc.is_rpc_secret(value):
        return _plain(rpc.unwrap_rpc_secret(value))
    match value:
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def _serialized(properties: Mapping[str, Any]) -> Any:
    return _sync_await(rpc.serialize_properties(dict(properties), {}))


def _position(position: Any) -> str:
    if not position.uri:
        return ""
    return f"{str(position.uri).removeprefix(ROOT.as_uri() + '/')}:{position.line}"
