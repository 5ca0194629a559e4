"""Serves the pack to the engine, with the configuration of the stack that is being deployed."""

from collections.abc import Mapping
from typing import Any, Final

from pulumi.runtime import get_config_env
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel, PolicyPack
from pulumi_policy import policy as sdk

from policies import pack
from policies.rules import RULES

NAME: Final = "meridian"
DESCRIPTION: Final = "What a stack of Meridian must be, checked before anything is created"

_LEVELS: Final = {
    EnforcementLevel.ADVISORY: analyzer_pb2.EnforcementLevel.ADVISORY,
    EnforcementLevel.MANDATORY: analyzer_pb2.EnforcementLevel.MANDATORY,
    EnforcementLevel.REMEDIATE: analyzer_pb2.EnforcementLevel.REMEDIATE,
    EnforcementLevel.DISABLED: analyzer_pb2.EnforcementLevel.DISABLED,
}


class _Servicer(sdk._PolicyAnalyzerServicer):  # pyright: ignore[reportPrivateUsage]
    """Answers the engine, and listens to what the SDK's own servicer does not: the stack's configuration.

    Engines that start a pack by its language plugin send the configuration with ConfigureStack, of which the SDK
    (pulumi_policy 1.21) keeps the tags only; older ones put it into the environment of this process.
    """

    _program: Mapping[str, str] | None = None

    # The names of the methods are those of the gRPC service.

    def ConfigureStack(self, request: analyzer_pb2.AnalyzerStackConfigureRequest, _context: Any) -> Any:  # noqa: N802
        """Keep the configuration; the engine asks for the pack's own one after this."""
        self._program = dict(request.config)
        return super().ConfigureStack(request, _context)

    def GetAnalyzerInfo(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        """Add this project's configuration of the rules, as a default that `--policy-pack-config` overrides."""
        info = super().GetAnalyzerInfo(_request, _context)
        program = get_config_env() if self._program is None else self._program
        configured = pack.project_configuration(program)
        for rule in RULES:
            # A configuration without a level would make the rule advisory: that is the level of value 0.
            info.initialConfig[rule.name].enforcementLevel = _LEVELS[rule.level]
            info.initialConfig[rule.name].properties.update(configured.get(rule.name, {}))
        return info


def serve() -> None:
    """Serve the pack to the engine that started this process, until the engine ends it."""
    sdk._PolicyAnalyzerServicer = _Servicer  # pyright: ignore[reportPrivateUsage]
    PolicyPack(
        NAME,
        pack.policies(clock=pack.today),
        enforcement_level=EnforcementLevel.MANDATORY,
        description=DESCRIPTION,
        provider="aws",
        tags=sorted({rule.theme.value for rule in RULES}),
    )
