"""What a handler is: the five verbs over a declared resource and its real state in the embedded AWS."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import botocore.session
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError

from local import computed
from local.deployment import TEST_CREDENTIALS, Handling
from local.recording import RecordedResource

Properties = Mapping[str, Any]
State = tuple[str, dict[str, Any]]

DEFAULT_REGION: Final = "us-east-1"
_NOT_FOUND: Final = ("NotFound", "NoSuch", "NonExistent", "DoesNotExist")


# One for the process: it keeps the services' models, which take longer to read than all else of a client.
_SESSION: Final = botocore.session.get_session()


@dataclass(frozen=True, slots=True)
class Diff:
    """Which properties change in place, and which only by a replacement."""

    update: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.update or self.replace)


@dataclass(slots=True)
class Context:
    """The way to the embedded AWS: one client a service and Region, shared by threads."""

    emulator_url: str
    account: str
    _session: botocore.session.Session = field(default_factory=lambda: _SESSION)
    _clients: dict[tuple[str, str], BaseClient] = field(default_factory=dict[tuple[str, str], BaseClient])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self, service: str, region: str) -> Any:
        """Return the client of a service; clients may be shared, making them may not."""
        key = (service, region or DEFAULT_REGION)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._session.create_client(
                    service,
                    region_name=key[1],
                    endpoint_url=self.emulator_url,
                    aws_access_key_id=TEST_CREDENTIALS["AWS_ACCESS_KEY_ID"],
                    aws_secret_access_key=TEST_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
                    config=Config(
                        retries={"total_max_attempts": 1},
                        max_pool_connections=16,
                        s3={"addressing_style": "path"},
                        inject_host_prefix=False,
                        proxies={},
                    ),
                )
            return self._clients[key]

    def call(self, service: str, region: str, operation: str, parameters: Properties) -> dict[str, Any]:
        """Call an operation by its API name, such as `CreateTable`."""
        client = self.client(service, region)
        method = next(name for name, api in client.meta.method_to_api_mapping.items() if api == operation)
        return getattr(client, method)(**parameters)

    def input_shape(self, service: str, operation: str) -> Any:
        """Return the botocore shape of an operation's parameters."""
        return self.client(service, DEFAULT_REGION).meta.service_model.operation_model(operation).input_shape


class Handler(ABC):
    """Creates, reads, updates, deletes and compares resources of one type."""

    handling: Handling = Handling.EMULATED
    # A change of one of these replaces the resource, whatever the type; the physical name is added by its type.
    replaced_by: tuple[str, ...] = ("region", "name", "namePrefix")
    # Outputs that an update makes anew, so that a preview can not know them.
    renewed: tuple[str, ...] = ()
    # Declared properties to which the service adds something of its own, such as the ARN of a table's replica.
    enriched: tuple[str, ...] = ()
    # What the service's answers call a property, where its letters do not tell: API member → Pulumi property.
    observed_as: Mapping[str, str] = MappingProxyType({})

    @abstractmethod
    def create(self, context: Context, resource: RecordedResource) -> State:
        """Create the resource; returns its id and its outputs, inputs included."""

    @abstractmethod
    def read(self, context: Context, resource: RecordedResource) -> dict[str, Any] | None:
        """Return the real state as the service tells it; None if the resource is gone."""

    @abstractmethod
    def update(self, context: Context, old: RecordedResource, new: RecordedResource) -> dict[str, Any]:
        """Bring the real resource to its new inputs; returns the new outputs."""

    @abstractmethod
    def delete(self, context: Context, resource: RecordedResource) -> None:
        """Delete the resource; that it is gone already is no error."""

    def adopt(self, context: Context, resource: RecordedResource) -> dict[str, Any]:
        """Return the outputs of a resource that exists, known by its id and its declaration only."""
        return declared_state(context, resource)[1]

    def diff(self, old: Properties, new: Properties) -> Diff:
        """Compare declared inputs; a property that was or is not given counts."""
        changed = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
        return Diff(
            update=tuple(key for key in changed if key not in self.replaced_by),
            replace=tuple(key for key in changed if key in self.replaced_by),
        )


def declared_state(context: Context, resource: RecordedResource) -> State:
    """Return what AWS would answer for the declaration, in the emulator's account."""
    return computed.state(resource.type, resource.name, resource.inputs, account=context.account)


def is_missing(error: ClientError) -> bool:
    """Tell whether a service says that a resource does not exist."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    return any(part in code for part in _NOT_FOUND) or code == "404"
