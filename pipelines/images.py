"""Which images are deployed, as the global stack's outputs say, in the words of its settings."""

from collections.abc import Mapping


class MixedImagesError(ValueError):
    """A context runs different images in different Regions, so no one digest is the deployed one."""


def settings_of_deployed(images: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return a path of the configuration and a digest for each context."""
    settings: dict[str, str] = {}
    for context, by_region in sorted(images.items()):
        digests = {reference.rpartition("@")[2] for reference in by_region.values()}
        if len(digests) != 1:
            raise MixedImagesError(
                f"{context}: {', '.join(sorted(digests))} in {', '.join(by_region)}; deploy global again"
            )
        settings[f"meridian:imageDigests.{context}"] = digests.pop()
    return settings
