"""The command line of the workflows: `python -m pipelines --help`."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import boto3

from components.images import PLATFORMS, digest_of_sources
from components.settings import GLOBAL_STACK, Architecture, Context
from pipelines.bake import CellInAlarmError, bake
from pipelines.images import settings_of_deployed
from pipelines.project import ROOT, architecture, regions

RUNNERS: Final[Mapping[Architecture, str]] = {
    Architecture.ARM64: "ubuntu-24.04-arm",
    Architecture.X86_64: "ubuntu-24.04",
}
"""GitHub's runners with that processor, which need no emulation to build."""


def main(arguments: list[str]) -> int:
    """Print what was asked for; returns the exit code."""
    asked = _parser().parse_args(arguments)
    match asked.what:
        case "stacks":
            print(json.dumps([GLOBAL_STACK, *regions()]))
        case "regions":
            print(json.dumps(regions()))
        case "contexts":
            print(json.dumps([context.value for context in Context]))
        case "platform":
            print(PLATFORMS[architecture()].value)
        case "runner":
            print(RUNNERS[architecture()])
        case "source-digest":
            print(digest_of_sources(ROOT, Context(asked.context)))
        case "image-settings":
            outputs = json.loads(asked.outputs.read_text(encoding="utf-8"))
            print("\n".join(f"{key} {digest}" for key, digest in settings_of_deployed(outputs).items()))
        case _:
            return _bake(asked.region, asked.minutes)
    return 0


def _bake(region: str, minutes: float) -> int:
    try:
        # boto3's stubs know only the services that are installed.
        cloudwatch = boto3.client("cloudwatch", region_name=region)  # pyright: ignore[reportUnknownMemberType]
        bake(cloudwatch, region=region, minutes=minutes)
    except CellInAlarmError as error:
        print(f"::error::{error}")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipelines")
    commands = parser.add_subparsers(dest="what", required=True)
    for name in ("stacks", "regions", "contexts", "platform", "runner"):
        commands.add_parser(name)
    commands.add_parser("source-digest").add_argument("context")
    commands.add_parser("image-settings").add_argument("outputs", type=Path)
    baking = commands.add_parser("bake")
    baking.add_argument("--region", required=True)
    baking.add_argument("--minutes", type=float, required=True)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
