"""What the supervisor shows, refuses and leaves behind."""

import ast
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local import preflight, supervisor
from local.failures import FailureReporter
from local.paths import ROOT
from local.preflight import PreflightError, check_ports, only_one
from local.processes import Child, environment, python, wait_until
from local.supervisor import Laptop
from local.tree import Tree

RUN = ("local", "workloads", "components")
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


def test_all_packages_that_are_imported_while_it_runs_are_asked_for_before() -> None:
    files = [ROOT / "__main__.py", *(file for each in RUN for file in (ROOT / each).rglob("*.py"))]
    imported = {name for file in files for name in _imported(ast.parse(file.read_text(encoding="utf-8")))}

    own = {*RUN, "policies", *sys.stdlib_module_names}
    assert {name for name in imported - own if not name.startswith("mypy_boto3_")} <= {
        name.split(".")[0] for name in preflight.NEEDED
    }


def test_a_package_that_is_missing_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {name: name for name in preflight.NEEDED if name not in {"httpx", "lifetimes"}}
    monkeypatch.setattr(preflight, "find_spec", found.get)

    with pytest.raises(PreflightError, match=r"lacks httpx, lifetimes: run `make local`"):
        preflight.check_packages()


def test_a_prepared_file_of_a_region_that_is_not_in_the_list_demands_no_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in ROOT.glob("Pulumi*.yaml"):
        shutil.copy(path, tmp_path)
    (tmp_path / "Pulumi.ap-south-1.yaml").write_text("config: {}\n")
    monkeypatch.setattr(supervisor, "ROOT", tmp_path)

    assert Laptop(Tree(io.StringIO()), port=4000, first_gateway_port=5000).ports == [4000, 5000, 5001]


@pytest.fixture
def laptop_with_a_guide() -> Iterator[subprocess.Popen[str]]:
    """Start a laptop that has nothing but a guide that does not end, and wait for it."""
    script = """
import io
from local.supervisor import Laptop
from local.tree import Tree
with Laptop(Tree(io.StringIO())) as laptop:
    laptop.run("tests.local.core.endless")
"""
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as parent:
        try:
            assert wait_until(lambda: bool(_endless(parent)), seconds=10)
            yield parent
        finally:
            parent.kill()


def test_control_c_does_not_reach_what_the_laptop_runs_but_ends_it(
    laptop_with_a_guide: subprocess.Popen[str],
) -> None:
    guide = _endless(laptop_with_a_guide)
    assert {os.getpgid(process.pid) for process in guide} == {process.pid for process in guide}

    os.killpg(laptop_with_a_guide.pid, signal.SIGINT)
    _, said = laptop_with_a_guide.communicate(timeout=10)

    assert said.count("Traceback") == 1  # of the laptop itself, which nobody catches here
    assert said.splitlines()[-1] == "local.stopping.StopRequested: SIGINT"
    assert psutil.wait_procs(guide, timeout=5)[1] == []


def test_what_the_laptop_runs_ends_when_the_laptop_is_killed(laptop_with_a_guide: subprocess.Popen[str]) -> None:
    guide = _endless(laptop_with_a_guide)

    laptop_with_a_guide.kill()
    laptop_with_a_guide.wait()

    assert psutil.wait_procs(guide, timeout=5)[1] == []


def _endless(parent: subprocess.Popen[str]) -> list[psutil.Process]:
    children = psutil.Process(parent.pid).children(recursive=True)
    return [child for child in children if "tests.local.core.endless" in child.cmdline()]


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


def _imported(tree: ast.Module) -> Iterator[str]:
    """Yield the packages that a module imports, wherever it does."""
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from (alias.name.split(".")[0] for alias in node.names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.split(".")[0]
            case _:
                pass
