"""What the supervisor shows, refuses and leaves behind."""

import io
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from local import preflight
from local.failures import FailureReporter
from local.preflight import PreflightError, check_ports, only_one
from local.processes import Child, environment, python, wait_until
from local.tree import Tree

CELL = "urn:pulumi:us-east-1::meridian::meridian:cell:RegionalCell$meridian:data:CellData$"


def test_the_tree_groups_by_component_and_marks_what_stands_behind_each_line() -> None:
    out = io.StringIO()
    tree = Tree(out)
    for type_, name, handling in (
        ("aws:sqs/queue:Queue", "one", "emulated"),
        ("aws:sqs/queue:Queue", "two", "emulated"),
        ("aws:ec2/vpc:Vpc", "net", "recorded"),
    ):
        news = {"urn": f"{CELL}{type_}::{name}", "type": type_, "name": name, "stack": "us-east-1"}
        tree.take({**news, "event": "creating", "handling": handling})
        tree.take({**news, "event": "created", "handling": handling, "seconds": 0.1})

    tree.take({"event": "finished", "stack": "us-east-1"})

    lines = out.getvalue().splitlines()
    assert lines[:3] == ["deploying us-east-1", "us-east-1: 3 resources", "└─ CellData"]
    assert lines[3].split() == ["├─", "1", "ec2", "Vpc", "recorded", "only"]
    assert lines[4].split() == ["└─", "2", "sqs", "Queue", "emulated"]


def test_a_second_cell_that_is_like_the_first_is_one_line() -> None:
    out = io.StringIO()
    tree = Tree(out)
    for stack in ("eu-west-1", "us-east-1"):
        urn = f"{CELL.replace('us-east-1', stack)}aws:sqs/queue:Queue::one"
        news = {"urn": urn, "type": "aws:sqs/queue:Queue", "name": "one", "stack": stack, "handling": "emulated"}
        tree.take({**news, "event": "creating"})
        tree.take({**news, "event": "created", "seconds": 0.1})
        tree.take({"event": "finished", "stack": stack})

    assert out.getvalue().splitlines()[-1] == "us-east-1: 1 resources, the same tree as eu-west-1"


def test_the_status_line_of_a_terminal_never_wraps_and_the_next_line_takes_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    out = _Terminal()
    tree = Tree(out)
    news = {"urn": f"{CELL}aws:sqs/queue:Queue::q", "type": "aws:sqs/queue:Queue", "stack": "us-east-1"}

    tree.take({**news, "event": "creating", "name": "meridian-checkout-outbox-dead-letters"})
    tree.say("up")

    assert out.getvalue() == "\r\033[Kdeploying us-east-1 0 done, 1 under way\r\033[Kup\n"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_failure_is_shown_with_its_last_lines_and_a_repeated_one_only_now_and_then() -> None:
    said: list[str] = []
    reporter = FailureReporter(said.append)
    report = {"function": "f", "region": "r", "error_type": "KeyError", "error_message": "'x'", "log": ["line"]}

    for _ in range(11):
        reporter.take(report)

    assert said == ["f in r failed: KeyError: 'x'", "    │ line", "f in r failed: KeyError: 'x' (10 times more)"]


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(PreflightError, match=f"port {port} of 127.0.0.1 is taken"):
            check_ports([port])


def test_a_second_one_is_told_which_process_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight.os, "getuid", lambda: 10_000_000 + os.getpid())

    with only_one(), pytest.raises(PreflightError, match=f"as process {os.getpid()}"), only_one():
        pass
    with only_one():
        pass


def test_an_unsupported_platform_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight.sys, "platform", "darwin")

    with pytest.raises(PreflightError, match=r"needs Linux .* darwin"):
        preflight.check_platform()


def test_a_package_that_is_missing_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "find_spec", {name: name for name in ("ministack", "awslambdaric")}.get)

    with pytest.raises(PreflightError, match=r"lacks pulumi, .*airspeed: run `make local`"):
        preflight.check_packages()


def test_a_child_and_what_it_started_end_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = f"""
import sys, time
from pathlib import Path
from local.processes import Child, environment, python
log = Path({str(tmp_path)!r}) / "log"
child = Child("c", python("-c", "import time; time.sleep(60)"), environment=environment(), log=log)
print(child.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        parent.kill()

    assert wait_until(lambda: not Path(f"/proc/{child}").exists() or _is_zombie(child), seconds=5)


def test_stopping_a_child_ends_its_own_children_too(tmp_path: Path) -> None:
    script = "import subprocess, sys; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); p.wait()"
    child = Child(
        "parent", python("-c", script), environment=environment(), log=tmp_path / "log", stdout=subprocess.PIPE
    )
    grandchild = int(child.lines.readline())

    child.stop()

    assert wait_until(lambda: not Path(f"/proc/{grandchild}").exists() or _is_zombie(grandchild), seconds=5)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True
