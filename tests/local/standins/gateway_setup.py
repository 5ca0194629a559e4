"""Builders: a deployment with one API, an embedded AWS that answers as told, and a client of the gateway."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from local.deployment import DeployedResource, Deployment, Handling
from local.standins.emulator import Emulator
from local.standins.gateway.application import GatewayApplication
from local.standins.gateway.permissions import Permissions
from local.standins.gateway.server import PERMISSION, declared_api
from local.standins.http_client import HttpResponse

REGION = "us-east-1"
ACCOUNT = "123456789012"
API_ID = "a1b2c3d4e5"
EMULATOR_URL = "http://emulator.test"
INTEGRATION = "x-amazon-apigateway-integration"


def function_arn(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}:live"


def invocation_uri(name: str) -> str:
    return f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function_arn(name)}/invocations"


def proxy(function: str = "back-end", /, **operation: Any) -> dict[str, Any]:
    integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": invocation_uri(function)}
    return {"responses": {}, INTEGRATION: integration | operation.pop("integration", {}), **operation}


def put_events(template: str, responses: Mapping[str, Any], **integration: Any) -> dict[str, Any]:
    headers = {"Location": {"schema": {"type": "string"}}, "X-Back-End": {"schema": {"type": "string"}}}
    return {
        "responses": {str(status): {"description": "", "headers": headers} for status in (200, 202, 500, 503)},
        INTEGRATION: {
            "type": "aws",
            "httpMethod": "POST",
            "uri": f"arn:aws:apigateway:{REGION}:events:action/PutEvents",
            "requestParameters": {
                "integration.request.header.X-Amz-Target": "'AWSEvents.PutEvents'",
                "integration.request.header.Content-Type": "'application/x-amz-json-1.1'",
            },
            "requestTemplates": {"application/json": template},
            "responses": responses,
            **integration,
        },
    }


def document(paths: Mapping[str, Any], **extensions: Any) -> dict[str, Any]:
    return {"openapi": "3.0.1", "info": {"title": "test", "version": "1"}, "paths": paths, **extensions}


def resource(type_: str, inputs: Mapping[str, Any], *, region: str = REGION, **fields: Any) -> DeployedResource:
    name = fields.pop("name", type_.rpartition(":")[2])
    return DeployedResource(
        urn=f"urn:pulumi:{region}::meridian::{type_}::{name}",
        type=type_,
        name=name,
        parent="",
        stack=region,
        region=region,
        id=fields.pop("id", name),
        inputs=dict(inputs),
        outputs=fields.pop("outputs", {}),
        handling=Handling.STAND_IN,
    )


def deployment_of(resources: Sequence[DeployedResource], *, state: Path = Path("unused"), **fields: Any) -> Deployment:
    return Deployment(
        emulator_url=fields.pop("emulator_url", EMULATOR_URL),
        account=ACCOUNT,
        state_directory=state,
        regions=fields.pop("regions", [REGION]),
        gateways=fields.pop("gateways", {}),
        resources=list(resources),
        outputs={},
    )


def api_resources(
    body: Mapping[str, Any],
    *,
    stage: Mapping[str, Any] | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    functions: Sequence[str] = ("back-end", "authorizer"),
) -> list[DeployedResource]:
    return [
        resource("aws:apigateway/restApi:RestApi", {"name": "test", "body": json.dumps(body)}, id=API_ID),
        resource("aws:apigateway/stage:Stage", {"restApi": API_ID, "stageName": "live", **(stage or {})}),
        *(
            resource(
                "aws:apigateway/methodSettings:MethodSettings",
                {"restApi": API_ID, "stageName": "live", "methodPath": path, "settings": values},
                name=path,
            )
            for path, values in (settings or {}).items()
        ),
        *(
            resource(
                PERMISSION,
                {
                    "action": "lambda:InvokeFunction",
                    "function": function,
                    "qualifier": "live",
                    "principal": "apigateway.amazonaws.com",
                    "sourceArn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{API_ID}/*",
                },
                name=function,
            )
            for function in functions
        ),
    ]


@dataclass(frozen=True)
class FunctionError:
    """What a function raises."""

    message: str
    kind: str = "Exception"


@dataclass
class FakeAws:
    """Answers as an embedded AWS whose functions and bus do as told; keeps what it was asked."""

    functions: dict[str, Callable[[dict[str, Any]], Any]] = field(default_factory=dict)
    bus: Callable[[dict[str, Any]], tuple[int, Any]] = lambda _: (200, {"FailedEntryCount": 0, "Entries": []})
    invoked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    seconds: float = 0

    async def answer(self, request: httpx.Request) -> httpx.Response:
        if self.seconds:
            timeout = request.extensions["timeout"]["read"]
            if self.seconds > timeout:
                raise TimeoutError
        if request.url.path.endswith("/invocations"):
            return self._invoke(request)
        target = request.headers.get("x-amz-target", "none")
        payload = json.loads(request.content)
        self.calls.append((target, payload))
        if target != "AWSEvents.PutEvents":
            return httpx.Response(200, json={})
        status, answer = self.bus(payload)
        return httpx.Response(status, json=answer, headers={"X-Back-End": "bus"})

    def _invoke(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.split("/")[3].split(":")[6]
        event = json.loads(request.content)
        self.invoked.append((name, event))
        result = self.functions[name](event)
        if isinstance(result, FunctionError):
            error = {"errorMessage": result.message, "errorType": result.kind}
            return httpx.Response(200, json=error, headers={"X-Amz-Function-Error": "Unhandled"})
        if isinstance(result, httpx.Response):
            return result
        return httpx.Response(200, json=result)


class FakeTransport:
    """Hands the requests of a stand-in to a function instead of a server."""

    def __init__(self, answer: Callable[[httpx.Request], Awaitable[httpx.Response]]) -> None:
        self._answer = answer

    async def request(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> HttpResponse:
        extensions = {"timeout": {"read": timeout_seconds}}
        request = httpx.Request(method, EMULATOR_URL + path, headers=headers, content=body, extensions=extensions)
        response = await self._answer(request)
        return HttpResponse(response.status_code, dict(response.headers), response.content)

    async def close(self) -> None:
        """Nothing is held."""


class RecordedFailures:
    """A report that keeps what it is told."""

    def __init__(self) -> None:
        self.failures: list[tuple[str, list[str]]] = []

    def failure(self, name: str, lines: Sequence[str]) -> None:
        self.failures.append((name, list(lines)))


class GatewayClient:
    """Sends requests to the gateway of a deployment, without a socket."""

    def __init__(self, resources: Sequence[DeployedResource], aws: FakeAws) -> None:
        self.report = RecordedFailures()
        self._loop = asyncio.new_event_loop()
        emulator = Emulator(EMULATOR_URL, transport=FakeTransport(aws.answer))
        self.application = GatewayApplication(
            declared_api(deployment_of(resources), region=REGION),
            emulator=emulator,
            permissions=Permissions((entry.inputs for entry in resources if entry.type == PERMISSION), self.report),
            report=self.report,
        )
        self._http = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.application),
            base_url="http://gateway.test",
            headers={"User-Agent": "test"},
        )

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._loop.run_until_complete(self._http.request(method, path, **options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def run(self, work: Any) -> Any:
        return self._loop.run_until_complete(work)


def ok(_event: dict[str, Any]) -> dict[str, Any]:
    """A function that answers 200."""
    return {"statusCode": 200, "body": "{}"}


def client_of(
    paths: Mapping[str, Any],
    aws: FakeAws | None = None,
    *,
    extensions: Mapping[str, Any] | None = None,
    **declared: Any,
) -> GatewayClient:
    aws = aws or FakeAws(functions={"back-end": ok})
    return GatewayClient(api_resources(document(paths, **(extensions or {})), **declared), aws)
