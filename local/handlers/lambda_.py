"""Image functions, run as `provided.al2023` zips: the same code under the same runtime interface client, no Docker."""

import io
import json
import re
import zipfile
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from local.bootstrap import SCRIPT
from local.handlers.base import Context, State, declared_state, is_missing
from local.handlers.generic import GenericHandler, Operations
from local.handlers.shapes import parameters
from local.paths import ROOT
from local.recording import RecordedResource

_RUNTIME: Final = "provided.al2023"
# What of the declaration means the same for a zip as for an image.
_SHARED: Final = (
    "description",
    "memorySize",
    "timeout",
    "role",
    "tags",
    "publish",
    "kmsKeyArn",
    "loggingConfig",
    "tracingConfig",
    "deadLetterConfig",
    "ephemeralStorage",
)
# The document with a user pool's keys: an address of AWS that no SDK builds, so AWS_ENDPOINT_URL does not lead it here.
_KEYS_URL: Final = re.compile(r"https://cognito-idp\.[a-z0-9-]+\.amazonaws\.com/([\w-]+/\.well-known/)")


class FunctionHandler(GenericHandler):
    """A function of an image; other package types have nothing here that could run them."""

    def __init__(self) -> None:
        super().__init__(
            Operations(
                service="lambda",
                create="CreateFunction",
                read="GetFunction",
                delete="DeleteFunction",
                identity={"FunctionName": "name"},
                replaced_by=("packageType",),
            )
        )

    renewed = ("version", "qualifiedArn", "qualifiedInvokeArn", "codeSha256")

    def create(self, context: Context, resource: RecordedResource) -> State:
        """Create the function; the declared image values are returned."""
        if resource.inputs.get("packageType") != "Image":
            message = f"{resource.urn}: the laptop mode runs functions from images only, not from {resource.inputs!r}"
            raise ValueError(message)
        _, outputs = declared_state(context, resource)
        known = {
            "FunctionName": outputs["name"],
            "Runtime": _RUNTIME,
            "Handler": _handler(resource),
            "Code": {"ZipFile": _bootstrap()},
            **self._configuration(context, resource),
        }
        answer = context.call("lambda", resource.region, "CreateFunction", known)
        self._reserve(context, resource, outputs["name"])
        return outputs["name"], outputs | _version(outputs, answer)

    def adopt(self, context: Context, resource: RecordedResource) -> dict[str, Any]:
        """Return the newest published version; the list begins with what is not published."""
        _, outputs = declared_state(context, resource)
        known = {"FunctionName": outputs["name"]}
        versions = context.call("lambda", resource.region, "ListVersionsByFunction", known)["Versions"]
        return outputs | _version(outputs, versions[-1])

    def update(self, context: Context, old: RecordedResource, new: RecordedResource) -> dict[str, Any]:
        """Change configuration and publish a version, as Pulumi does when `publish` is declared."""
        name = str(new.outputs["name"])
        _, outputs = declared_state(context, new)
        configuration = self._configuration(context, new)
        for key in ("Tags", "Publish"):
            configuration.pop(key, None)
        known = {"FunctionName": name, "Handler": _handler(new), **configuration}
        context.call("lambda", new.region, "UpdateFunctionConfiguration", known)
        self._reserve(context, new, name)
        answer: dict[str, Any] = {"Version": old.outputs.get("version", "$LATEST")}
        if new.inputs.get("publish"):
            answer = context.call("lambda", new.region, "PublishVersion", {"FunctionName": name})
        return outputs | _version(outputs, answer)

    def _configuration(self, context: Context, resource: RecordedResource) -> dict[str, Any]:
        shape = context.input_shape("lambda", "CreateFunction")
        declared = {key: resource.inputs.get(key) for key in _SHARED}
        names = {"KMSKeyArn": "kmsKeyArn", "TargetArn": "targetArn"}
        variables = (resource.inputs.get("environment") or {}).get("variables") or {}
        return parameters(shape, declared, names) | {
            "Environment": {"Variables": laptop_environment(variables, context.emulator_url)}
        }

    def _reserve(self, context: Context, resource: RecordedResource, name: str) -> None:
        reserved = resource.inputs.get("reservedConcurrentExecutions")
        if reserved is not None and reserved >= 0:
            known = {"FunctionName": name, "ReservedConcurrentExecutions": reserved}
            context.call("lambda", resource.region, "PutFunctionConcurrency", known)


class PermissionHandler(GenericHandler):
    """A statement of a function's policy."""

    def __init__(self) -> None:
        super().__init__(
            Operations(
                service="lambda",
                create="AddPermission",
                delete="RemovePermission",
                identity={"FunctionName": "function", "StatementId": "statementId", "Qualifier": "qualifier"},
                names={"FunctionName": "function", "PrincipalOrgID": "principalOrgId"},
                generated=("statementId",),
                replaced_by=("function", "action", "principal", "sourceArn", "qualifier", "statementId"),
            )
        )

    def read(self, context: Context, resource: RecordedResource) -> dict[str, Any] | None:
        """Find the statement in the policy."""
        named = self.identity(resource)
        statement = named.pop("StatementId")
        try:
            policy = context.call("lambda", resource.region, "GetPolicy", named)["Policy"]
        except ClientError as error:
            if is_missing(error):
                return None
            raise
        return next((each for each in json.loads(policy)["Statement"] if each["Sid"] == statement), None)


def laptop_environment(declared: Mapping[str, str], emulator_url: str) -> dict[str, str]:
    """Return the declared variables and what leads an unchanged workload to the embedded AWS."""
    leads = {key: _KEYS_URL.sub(rf"{emulator_url}/\1", str(value)) for key, value in declared.items()}
    return {**leads, "AWS_ENDPOINT_URL": emulator_url, "PYTHONPATH": str(ROOT)}


def _handler(resource: RecordedResource) -> str:
    return str((resource.inputs.get("imageConfig") or {})["commands"][0])


def _bootstrap() -> bytes:
    """Return a zip whose bootstrap is the runtime interface client under this Python; the same bytes every time."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        entry = zipfile.ZipInfo("bootstrap", date_time=(2020, 1, 1, 0, 0, 0))
        entry.external_attr = 0o755 << 16
        file.writestr(entry, SCRIPT)
    return archive.getvalue()


def _version(outputs: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    version = str(answer.get("Version") or "$LATEST")
    invoke = str(outputs["invokeArn"])
    qualified = f"{outputs['arn']}:{version}"
    return {
        "version": version,
        "qualifiedArn": qualified,
        "qualifiedInvokeArn": invoke.replace(str(outputs["arn"]), qualified),
        "codeSha256": str(outputs.get("imageUri", "")).rsplit("sha256:", 1)[-1],
    }
