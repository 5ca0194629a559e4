"""Stands in for what the laptop runs on its deployment: `python -m tests.local.core.endless …` never ends by itself."""

import time

while True:
    time.sleep(60)
