"""What the engine starts; everything else can be imported without serving a policy pack."""

import sys
from pathlib import Path

# The engine runs this folder as a program: Python then looks for modules inside it, and `policies` itself is no
# package. The folder above takes its place.
_HERE = Path(__file__).resolve().parent
sys.path[:] = [str(_HERE.parent), *(entry for entry in sys.path if Path(entry).resolve() != _HERE)]

from policies import server  # noqa: E402

server.serve()
