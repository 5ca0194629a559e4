"""The projector's container health check: `python -m workloads.loyalty.entrypoints.projector_health`.

It asks whether the loop turns, not whether AWS answers: a new task would not help against that.
"""

from __future__ import annotations

import sys

from workloads.loyalty.entrypoints.heartbeat import MAXIMUM_AGE, Heartbeat


def main() -> int:
    """Return the exit code: 0 while the last beat is young enough."""
    age = Heartbeat.of_environment().age()
    if age is None:
        sys.stderr.write("unhealthy: the projector has not started its loop\n")
        return 1
    if age > MAXIMUM_AGE:
        sys.stderr.write(f"unhealthy: the last heartbeat was {age:.0f} s ago; at most {MAXIMUM_AGE:.0f} s are normal\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
