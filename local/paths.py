"""Where the repository is; imported by processes that must start fast."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
