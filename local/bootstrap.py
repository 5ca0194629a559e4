"""What a function's bootstrap runs: the runtime interface client, with the SDK of `local.sdk`."""

import sys
from typing import Final

MODULES: Final = ("local.sdk", "awslambdaric")
SCRIPT: Final = f'#!/bin/sh\nexec "{sys.executable}" -m {" ".join(MODULES)} "$_HANDLER"\n'
