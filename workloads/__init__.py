"""What runs inside the cells: a package for each bounded context, what they tell each other, and what they share."""

import gc
import os

if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    # A function's start makes many objects and hardly any garbage: with Python's threshold of 700, to look for it takes
    # a tenth of the start. What follows the start is up to `runtime.lifecycle`.
    gc.set_threshold(200_000)
