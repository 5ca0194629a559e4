"""The image of a bounded context: a repository in every Region, one build, and the same digest in all of them."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pulumi
import pulumi_aws as aws
import pulumi_docker_build as docker_build

from components.documents import json_document
from components.naming import Placement, repository_name
from components.settings import Architecture, Context

_COMPONENT: Final = "Images"
_KEPT_IMAGES: Final = 50

PLATFORMS: Final[Mapping[Architecture, docker_build.Platform]] = {
    Architecture.ARM64: docker_build.Platform.LINUX_ARM64,
    Architecture.X86_64: docker_build.Platform.LINUX_AMD64,
}
"""What an architecture is called where images are built."""

# What every context's image is made of besides the context's own folder.
_SHARED_SOURCES: Final = (
    ".dockerignore",
    "workloads/__init__.py",
    "workloads/requirements.lock",
    "workloads/contracts",
    "workloads/runtime",
)


@dataclass(frozen=True, kw_only=True)
class ContextImageArgs:
    """One context's image and where it goes."""

    context: Context
    placements: Sequence[Placement]
    key_arns: Mapping[str, pulumi.Input[str]]
    architecture: Architecture
    directory: Path
    """The repository's root, which is the build context."""
    digest: str | None
    """An image that a pipeline has already pushed to all repositories; nothing is built then."""
    ephemeral: bool


class ContextImage(pulumi.ComponentResource):
    """A repository in each Region and the context's image in all of them."""

    references: Mapping[str, pulumi.Output[str]]
    """`<repository>@sha256:…` by Region."""

    def __init__(self, name: str, args: ContextImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("meridian:images:ContextImage", name, None, opts)
        self._name = name
        self._args = args
        repositories = {placement.region: self._repository(placement) for placement in args.placements}
        digest = pulumi.Output.from_input(args.digest) if args.digest else self._build(repositories).digest
        self.references = {
            region: pulumi.Output.concat(repository.repository_url, "@", digest)
            for region, repository in repositories.items()
        }
        self.register_outputs({"references": self.references})

    def _repository(self, placement: Placement) -> aws.ecr.Repository:
        name = f"{self._name}-{placement.region}"
        repository = aws.ecr.Repository(
            name,
            region=placement.region,
            name=repository_name(self._args.context),
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
            encryption_configurations=[
                aws.ecr.RepositoryEncryptionConfigurationArgs(
                    encryption_type="KMS", kms_key=self._args.key_arns[placement.region]
                )
            ],
            force_delete=self._args.ephemeral,
            tags=placement.tags(_COMPONENT),
            opts=pulumi.ResourceOptions(parent=self, protect=not self._args.ephemeral),
        )
        aws.ecr.LifecyclePolicy(
            f"{name}-lifecycle",
            region=placement.region,
            repository=repository.name,
            # By count, not by age: a cell that deploys seldom must still find the image that it runs.
            policy=json_document(
                {
                    "rules": [
                        {
                            "rulePriority": 1,
                            "description": f"Keep the {_KEPT_IMAGES} newest images",
                            "selection": {
                                "tagStatus": "any",
                                "countType": "imageCountMoreThan",
                                "countNumber": _KEPT_IMAGES,
                            },
                            "action": {"type": "expire"},
                        }
                    ]
                }
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return repository

    def _build(self, repositories: Mapping[str, aws.ecr.Repository]) -> docker_build.Image:
        """Build once and push to all Regions: the same manifest, so the same digest.

        The provider builds without a provenance attestation, whose index Lambda refuses, as long as it does not hand
        over to the docker command line (`exec`).
        """
        tag = f"source-{digest_of_sources(self._args.directory, self._args.context)}"
        return docker_build.Image(
            f"{self._name}-build",
            # Relative, so that the state does not depend on where the tree was checked out.
            context=docker_build.BuildContextArgs(location="."),
            dockerfile=docker_build.DockerfileArgs(location=f"workloads/{self._args.context}/Dockerfile"),
            platforms=[PLATFORMS[self._args.architecture]],
            tags=[pulumi.Output.concat(repository.repository_url, ":", tag) for repository in repositories.values()],
            push=True,
            exec_=False,
            # A preview on a machine without Docker stays possible.
            build_on_preview=False,
            registries=[_registry(region, repository) for region, repository in repositories.items()],
            opts=pulumi.ResourceOptions(parent=self),
        )


def _registry(region: str, repository: aws.ecr.Repository) -> docker_build.RegistryArgs:
    token = aws.ecr.get_authorization_token_output(region=region)
    return docker_build.RegistryArgs(
        address=repository.repository_url,
        username=token.user_name,
        password=pulumi.Output.secret(token.password),
    )


def sources(context: Context) -> Sequence[str]:
    """Return the files and folders that a context's image is made of."""
    return (*_SHARED_SOURCES, f"workloads/{context}")


def digest_of_sources(directory: Path, context: Context) -> str:
    """Return a tag for what the image is made of: tags are immutable, so each content needs one of its own."""
    digest = hashlib.sha256()
    for source in sources(context):
        for path in _files(directory / source):
            digest.update(path.relative_to(directory).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:20]


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    yield from sorted(found for found in path.rglob("*") if found.is_file() and "__pycache__" not in found.parts)
