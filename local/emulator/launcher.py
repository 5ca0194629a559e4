"""Runs ministack in this process: environment first, then the patches, then its server.

`python -m local.emulator.launcher '<settings as JSON>'`; prints one JSON line a failed function on standard output.
"""

import gc
import json
import os
import shutil
import sys
import threading
import time
from typing import Final

import uvicorn

from local.emulator.settings import EmulatorSettings

_PARENT_CHECK_SECONDS: Final = 0.25
# Each invocation and each execution has threads of its own here, and each system call gives the interpreter away: with
# Python's 5 ms, the server's loop waits that long to get it back, several times a request.
_SWITCH_INTERVAL_SECONDS: Final = 0.0005
_GARBAGE_COLLECTION: Final = (20_000, 20, 50)
# As ministack's own server has it: botocore keeps connections for a minute.
_KEEP_ALIVE_SECONDS: Final = 75
_ENVIRONMENT: Final = {
    "BIND_HOST": "127.0.0.1",
    "MINISTACK_HOST": "127.0.0.1",
    "IOT_MTLS_ENABLED": "0",
    "SFTP_ENABLED": "0",
    # Waits in state machines take as long as they are declared.
    "SFN_WAIT_SCALE": "1",
    "LOG_LEVEL": "WARNING",
    "LAMBDA_WARM_TTL_SECONDS": "300",
}


def main(argument: str) -> None:
    """Serve until SIGTERM."""
    settings = EmulatorSettings.from_argument(json.loads(argument))
    temporary = settings.state_directory / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    os.environ |= _ENVIRONMENT
    os.environ |= {
        "GATEWAY_PORT": str(settings.port),
        "AWS_ENDPOINT_URL": settings.url,
        "STATE_DIR": str(settings.state_directory / "ministack"),
        # ministack unpacks functions and writes its process id below the temporary folder: all in one place that goes.
        "TMPDIR": str(temporary),
    }
    # Workers are started often: they may keep their byte code.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    # ministack reads its environment as it is imported.
    from ministack.app import app  # noqa: PLC0415

    from local.emulator import patches  # noqa: PLC0415
    from local.emulator.direct import direct_protocol  # noqa: PLC0415
    from local.emulator.faults import Faults  # noqa: PLC0415

    patches.apply(settings)
    faults = Faults()
    faults.fail_invocations()
    faults.fail_sendings()
    served = faults.fail_requests(app)
    if settings.request_log is not None:
        from local.emulator.request_log import RequestLog  # noqa: PLC0415

        log = RequestLog(settings.request_log)
        log.watch_invocations()
        served = log.watch_requests(served)
    threading.Thread(target=_end_with_parent, args=(settings, os.getppid()), daemon=True).start()
    sys.setswitchinterval(_SWITCH_INTERVAL_SECONDS)
    # The tables' items are ever more objects that are never garbage: to look through them seldom is enough.
    gc.freeze()
    gc.set_threshold(*_GARBAGE_COLLECTION)
    # With ministack's own server, which is pure Python, half of the emulator's time goes into reading and writing HTTP.
    uvicorn.run(
        served,
        host="127.0.0.1",
        port=settings.port,
        http=direct_protocol(lambda: settings.request_log is not None or faults.strike_requests),
        loop="uvloop",
        lifespan="on",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )


def _end_with_parent(settings: EmulatorSettings, parent: int) -> None:
    """Clean up if the supervisor was killed: its workers are this process's children, and its files are here."""
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_SECONDS)
    from ministack.core import lambda_runtime  # noqa: PLC0415

    lambda_runtime.reset()
    # The other children of the supervisor were ended by the kernel, none of them writes any more.
    shutil.rmtree(settings.state_directory, ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
