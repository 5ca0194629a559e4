"""What runs is what was built and scanned; it has no more rights on its host than it needs and holds no secrets."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pulumi_policy import Severity

from policies import tokens
from policies.configuration import Parameters
from policies.properties import UNKNOWN
from policies.resources import Resource
from policies.rule import Theme, resource_rule

_DIGEST: Final = re.compile(r"@sha256:[0-9a-f]{64}$")
_ROOT: Final = frozenset({"", "0", "root"})
_SECRET_NAME: Final = re.compile(
    r"(^|_)(PASSWORD|PASSWD|PASSPHRASE|SECRET|CREDENTIALS?|PRIVATE_KEY|SECRET_KEY|ACCESS_KEY|API_KEY|AUTH_TOKEN)$",
    re.IGNORECASE,
)
_SECRET_VALUE: Final = re.compile(
    r"\bA[KS]IA[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----|://[^/\s:@]+:[^/\s:@]+@|\bgh[pousr]_[A-Za-z0-9]{36}"
)


@resource_rule(
    Theme.CONTAINERS,
    tokens.FUNCTION,
    tokens.TASK_DEFINITION,
    reason="What a tag means can change between the test and the start of the next task.",
    remedy="Pass the reference of the global stack: <repository>@sha256:….",
    severity=Severity.HIGH,
)
def images_are_named_by_digest(resource: Resource, parameters: Parameters) -> Iterator[str]:
    """Images are named by digest."""
    del parameters
    if resource.type == tokens.FUNCTION:
        images = [resource.properties.text("imageUri")] if resource.properties.has("imageUri") else []
    else:
        images = [str(container.get("image", "")) for container in _containers(resource)]
    for image in images:
        if not _DIGEST.search(image):
            yield f"the image {image!r} is not named by its digest"


@resource_rule(
    Theme.CONTAINERS,
    tokens.TASK_DEFINITION,
    reason="Root in a container is one fault of the kernel away from root on its host.",
    remedy="Set user to a number that is not 0, such as 10001:10001.",
    severity=Severity.HIGH,
)
def containers_run_without_root(task: Resource, parameters: Parameters) -> Iterator[str]:
    """Containers do not run as root."""
    del parameters
    for container in _containers(task):
        user = str(container.get("user", ""))
        if user.partition(":")[0] in _ROOT:
            yield f"{container.get('name')} runs as {user or 'the user of the image, which may be root'}"


@resource_rule(
    Theme.CONTAINERS,
    tokens.TASK_DEFINITION,
    reason="Who breaks in can then leave nothing behind and change no program.",
    remedy="Set readonlyRootFilesystem; mount a volume where something must be written.",
    severity=Severity.HIGH,
)
def root_file_systems_are_read_only(task: Resource, parameters: Parameters) -> Iterator[str]:
    """The root file system of containers can not be written to."""
    del parameters
    for container in _containers(task):
        if container.get("readonlyRootFilesystem") is not True:
            yield f"{container.get('name')} may write to its root file system"


@resource_rule(
    Theme.CONTAINERS,
    tokens.TASK_DEFINITION,
    reason="A privileged container is the host.",
    remedy="Leave privileged off, add no capability and drop all, use the network mode awsvpc.",
    severity=Severity.CRITICAL,
)
def containers_have_no_privileges(task: Resource, parameters: Parameters) -> Iterator[str]:
    """Containers have no privileges on their host and share nothing with it."""
    del parameters
    for container in _containers(task):
        capabilities: Mapping[str, Any] = (container.get("linuxParameters") or {}).get("capabilities") or {}
        if container.get("privileged"):
            yield f"{container.get('name')} is privileged"
        if capabilities.get("add"):
            yield f"{container.get('name')} adds {', '.join(capabilities['add'])}"
        if "ALL" not in (capabilities.get("drop") or []):
            yield f"{container.get('name')} does not drop all capabilities"
    if task.properties.get("networkMode", "bridge") != "awsvpc":
        yield "networkMode is not awsvpc"
    for path in ("pidMode", "ipcMode"):
        if task.properties.get(path) == "host":
            yield f"{path} is host"


@resource_rule(
    Theme.CONTAINERS,
    tokens.FUNCTION,
    tokens.TASK_DEFINITION,
    reason="An environment is shown by the console, written to crash reports and inherited by every child process.",
    remedy="Read the secret from Secrets Manager at run time, or name it in `secrets` of the container.",
    severity=Severity.CRITICAL,
)
def environments_hold_no_secrets(resource: Resource, parameters: Parameters) -> Iterator[str]:
    """No secret stands in an environment."""
    del parameters
    if resource.type == tokens.FUNCTION:
        variables = list(resource.properties.items("environment.variables"))
    else:
        variables = [
            (str(variable["name"]), variable.get("value"))
            for container in _containers(resource)
            for variable in container.get("environment") or []
        ]
    for name, value in variables:
        if _SECRET_NAME.search(name):
            yield f"the variable {name} is called like a secret"
        elif value is not UNKNOWN and _SECRET_VALUE.search(str(value)):
            yield f"the value of {name} looks like a secret"


@resource_rule(
    Theme.CONTAINERS,
    tokens.REPOSITORY,
    reason="A tag that can be moved can be moved by an attacker; what is not scanned keeps its holes.",
    remedy="Set image_tag_mutability to IMMUTABLE and scan_on_push.",
    severity=Severity.MEDIUM,
)
def repositories_are_immutable_and_scanned(repository: Resource, parameters: Parameters) -> Iterator[str]:
    """Tags can not be moved, and every image is scanned when it is pushed."""
    del parameters
    if not repository.properties.text("imageTagMutability").startswith("IMMUTABLE"):
        yield "imageTagMutability is not IMMUTABLE"
    if not repository.properties.is_true("imageScanningConfiguration.scanOnPush"):
        yield "imageScanningConfiguration.scanOnPush is not true"


@resource_rule(
    Theme.CONTAINERS,
    tokens.FUNCTION,
    reason="Two versions run side by side during a deployment, and an execution keeps to the one it started with.",
    remedy="Set publish=True and let callers use an alias.",
    severity=Severity.MEDIUM,
)
def functions_publish_versions(function: Resource, parameters: Parameters) -> Iterator[str]:
    """Functions publish versions."""
    del parameters
    if not function.properties.is_true("publish"):
        yield "publish is not true"


@resource_rule(
    Theme.CONTAINERS,
    tokens.SERVICE,
    reason="ECS otherwise starts failing tasks for hours, and pays for each.",
    remedy="Enable the deployment circuit breaker with rollback.",
    severity=Severity.MEDIUM,
)
def services_roll_back(service: Resource, parameters: Parameters) -> Iterator[str]:
    """A deployment of tasks that do not become healthy is taken back."""
    del parameters
    for path in ("deploymentCircuitBreaker.enable", "deploymentCircuitBreaker.rollback"):
        if not service.properties.is_true(path):
            yield f"{path} is not true"


def _containers(task: Resource) -> list[Mapping[str, Any]]:
    found = task.properties.get("containerDefinitions", "[]")
    return json.loads(found) if isinstance(found, str) else found


RULES: Final = (
    images_are_named_by_digest,
    containers_run_without_root,
    root_file_systems_are_read_only,
    containers_have_no_privileges,
    environments_hold_no_secrets,
    repositories_are_immutable_and_scanned,
    functions_publish_versions,
    services_roll_back,
)
