"""The technical layer that all contexts share: nothing here knows the business."""

import gc
import os

if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    # A function's start makes many objects and hardly any garbage: with Python's threshold of 700, to look for it takes
    # a tenth of the start.
    gc.set_threshold(20_000)
