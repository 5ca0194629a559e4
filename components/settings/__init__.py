"""All configuration as one frozen, validated value, read before any resource is made.

Nothing else in the program reads `pulumi.Config`.
"""

from components.settings.model import (
    GLOBAL_STACK,
    PROJECT,
    SHARED_FILE,
    ApiSize,
    Architecture,
    Context,
    ServiceSize,
    Settings,
    SettingsError,
)
from components.settings.reading import build_settings, load_settings

__all__ = [
    "GLOBAL_STACK",
    "PROJECT",
    "SHARED_FILE",
    "ApiSize",
    "Architecture",
    "Context",
    "ServiceSize",
    "Settings",
    "SettingsError",
    "build_settings",
    "load_settings",
]
