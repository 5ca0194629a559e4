"""What operators do by command: each once for its key, and in their trail by the transaction of its effect."""

from __future__ import annotations

from workloads.checkout.application.operations.act import act
from workloads.checkout.application.operations.redrive import redrive
from workloads.checkout.application.operations.repair import repair

__all__ = ["act", "redrive", "repair"]
