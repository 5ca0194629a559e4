"""Finds the declared REST API of each Region and serves it on its port of 127.0.0.1."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Generator, Mapping
from typing import Any, Final

import uvicorn

from local.deployment import DeployedResource, Deployment
from local.standins.emulator import Emulator
from local.standins.gateway.application import GatewayApplication
from local.standins.gateway.definition import AccessLog, Api, DefinitionError, Throttle
from local.standins.gateway.openapi import Throttles, read_gateway_responses, read_operations
from local.standins.gateway.permissions import Permissions
from local.standins.reporting import Report

REST_API: Final = "aws:apigateway/restApi:RestApi"
STAGE: Final = "aws:apigateway/stage:Stage"
METHOD_SETTINGS: Final = "aws:apigateway/methodSettings:MethodSettings"
BASE_PATH_MAPPING: Final = "aws:apigateway/basePathMapping:BasePathMapping"
PERMISSION: Final = "aws:lambda/permission:Permission"
KEEP_ALIVE_SECONDS: Final = 60
BACKLOG: Final = 1024


class PortTakenError(Exception):
    """Another program listens where a gateway should."""


class GatewayServer:
    """One Region's gateway."""

    def __init__(self, application: GatewayApplication, *, port: int, region: str) -> None:
        self._application = application
        self._socket = _listen(port, region)
        self._server = _Server(
            uvicorn.Config(
                application,
                lifespan="off",
                log_level="warning",
                access_log=False,
                # Whoever asks is the client: nobody stands in front of this gateway.
                proxy_headers=False,
                server_header=False,
                date_header=True,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=1,
            )
        )

    async def run(self) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as group:
            logs = group.create_task(self._application.access_logs.run())
            try:
                await self._server.serve(sockets=[self._socket])
            finally:
                logs.cancel()
                self._socket.close()


def gateways(deployment: Deployment, *, emulator: Emulator, report: Report) -> list[GatewayServer]:
    """A listening gateway for each Region of the deployment that has one."""
    return [
        GatewayServer(
            GatewayApplication(
                declared_api(deployment, region=region),
                emulator=emulator,
                permissions=Permissions(
                    (permission.inputs for permission in deployment.of_type(PERMISSION, region=region)), report
                ),
                report=report,
            ),
            port=gateway.port,
            region=region,
        )
        for region, gateway in deployment.gateways.items()
    ]


def declared_api(deployment: Deployment, *, region: str) -> Api:
    """The API, stage and method settings that a Region declares."""
    api = _only(deployment, REST_API, region)
    stage = _only(deployment, STAGE, region)
    document = _document(api)
    settings = [
        resource.inputs
        for resource in deployment.of_type(METHOD_SETTINGS, region=region)
        if resource.inputs.get("restApi") == api.id
    ]
    access_log: Mapping[str, Any] | None = stage.inputs.get("accessLogSettings")
    return Api(
        api_id=api.id,
        name=str(api.inputs.get("name", api.name)),
        region=region,
        account=deployment.account,
        stage=str(stage.inputs["stageName"]),
        operations=read_operations(document, throttles=_throttles(settings)),
        gateway_responses=read_gateway_responses(document),
        binary_media_types=tuple(
            document.get("x-amazon-apigateway-binary-media-types") or api.inputs.get("binaryMediaTypes") or ()
        ),
        stage_variables=stage.inputs.get("variables") or {},
        access_log=AccessLog(log_group=_log_group(access_log), format=access_log["format"]) if access_log else None,
        base_paths=_base_paths(deployment, api, stage),
    )


def _only(deployment: Deployment, kind: str, region: str) -> DeployedResource:
    found = deployment.of_type(kind, region=region)
    if len(found) != 1:
        raise DefinitionError(f"{region} declares {len(found)} resources of type {kind}; the laptop serves exactly one")
    return found[0]


def _document(api: DeployedResource) -> Mapping[str, Any]:
    body = api.inputs.get("body")
    if not isinstance(body, str):
        raise DefinitionError(f"{api.urn} has no OpenAPI body; the laptop's gateway serves nothing else")
    try:
        return json.loads(body)
    except ValueError as error:
        raise DefinitionError(f"the body of {api.urn} is no JSON: {error}") from error


def _log_group(settings: Mapping[str, Any]) -> str:
    return str(settings["destinationArn"]).split(":log-group:")[-1].removesuffix(":*")


def _throttles(settings: list[dict[str, Any]]) -> Throttles:
    """Limits by method path: `<resource without its first slash>/<METHOD>`, else `*/*` for every method."""
    declared = {str(entry["methodPath"]): entry["settings"] for entry in settings}

    def throttle(resource: str, method: str) -> Throttle | None:
        found = declared.get(f"{resource.removeprefix('/')}/{method}", declared.get("*/*", {}))
        rate, burst = found.get("throttlingRateLimit", -1), found.get("throttlingBurstLimit", -1)
        return Throttle(float(rate), int(burst)) if rate >= 0 and burst >= 0 else None

    return throttle


def _base_paths(deployment: Deployment, api: DeployedResource, stage: DeployedResource) -> tuple[str, ...]:
    """The stage's name, as on the API's own host name, and the custom domain's base paths (none declared: the root)."""
    mapped = [
        str(mapping.inputs.get("basePath") or "")
        for mapping in deployment.of_type(BASE_PATH_MAPPING, region=api.region)
        if mapping.inputs.get("restApi") == api.id
    ]
    return (str(stage.inputs["stageName"]), *(mapped or [""]))


def _listen(port: int, region: str) -> socket.socket:
    # asyncio sends without delay (TCP_NODELAY) on sockets that name their protocol only; others wait 40 ms an answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise PortTakenError(f"port {port} of the gateway of {region} is taken by another program") from error
    listener.listen(BACKLOG)
    return listener


class _Server(uvicorn.Server):
    """Leaves signals to the process, which has more to stop than this server."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield
