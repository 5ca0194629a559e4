"""The provider in this process, over an embedded AWS of its own; it is asked as the engine asks."""

import socket
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from local.emulator import control
from local.emulator.settings import EmulatorSettings
from local.handlers.base import Context
from local.provider import wire
from local.provider.ledger import Ledger
from local.provider.servicer import ProviderServicer

ACCOUNT = "000000000000"


class RefusedError(Exception):
    pass


class _Call:
    def abort(self, code: grpc.StatusCode, details: str) -> None:
        raise RefusedError(f"{code.name}: {details}")


@dataclass(frozen=True)
class Resource:
    """A resource as the engine keeps it in its state."""

    urn: str
    id: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]


@dataclass(frozen=True)
class Provider:
    """The provider's verbs with plain values."""

    servicer: ProviderServicer
    context: Context
    ledger: Ledger

    def create(self, type_: str, logical_name: str, /, **inputs: Any) -> Resource:
        urn = f"urn:pulumi:test::meridian::{type_}::{logical_name}"
        request = provider_pb2.CreateRequest(urn=urn, properties=wire.struct(inputs))
        answer = self.servicer.Create(request, _Call())
        return Resource(urn, answer.id, inputs, wire.properties(answer.properties))

    def read(self, resource: Resource) -> Resource | None:
        answer = self.servicer.Read(
            provider_pb2.ReadRequest(
                urn=resource.urn,
                id=resource.id,
                properties=wire.struct(resource.outputs),
                inputs=wire.struct(resource.inputs),
            ),
            _Call(),
        )
        if not answer.id:
            return None
        return Resource(resource.urn, answer.id, wire.properties(answer.inputs), wire.properties(answer.properties))

    def diff(self, resource: Resource, news: Mapping[str, Any]) -> Any:
        request = provider_pb2.DiffRequest(
            urn=resource.urn,
            id=resource.id,
            news=wire.struct(news),
            old_inputs=wire.struct(resource.inputs),
            olds=wire.struct(resource.outputs),
        )
        return self.servicer.Diff(request, _Call())

    def update(self, resource: Resource, news: Mapping[str, Any], *, preview: bool = False) -> Resource:
        request = provider_pb2.UpdateRequest(
            urn=resource.urn,
            id=resource.id,
            news=wire.struct(news),
            old_inputs=wire.struct(resource.inputs),
            olds=wire.struct(resource.outputs),
            preview=preview,
        )
        answer = self.servicer.Update(request, _Call())
        return Resource(resource.urn, resource.id, news, wire.properties(answer.properties))

    def delete(self, resource: Resource) -> None:
        request = provider_pb2.DeleteRequest(
            urn=resource.urn,
            id=resource.id,
            old_inputs=wire.struct(resource.inputs),
            properties=wire.struct(resource.outputs),
        )
        self.servicer.Delete(request, _Call())


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Generator[Provider]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    directory = tmp_path_factory.mktemp("provider")
    settings = EmulatorSettings(state_directory=directory / "emulator", port=port)
    child = control.start(settings)
    try:
        control.wait_until_healthy(child, settings)
        context, ledger = Context(settings.url, ACCOUNT), Ledger(directory / "ledger")
        yield Provider(ProviderServicer("aws", context, ledger), context, ledger)
    finally:
        control.stop(child, settings)


@pytest.fixture
def refusal() -> Callable[[str], Any]:
    return lambda match: pytest.raises(RefusedError, match=match)
