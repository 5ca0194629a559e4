"""`python -m local`: what a person can mend is a sentence on standard error, not a traceback; and a way out of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Final

import pytest

from local import preflight
from local.__main__ import main
from local.demo.accounts import SignInError
from local.demo.clients import Reply, UnexpectedReplyError
from local.demo.orders import OrderFileError
from local.demo.preparing import PreparationError
from local.emulator.control import EmulatorError
from local.engine.command_line import EngineMissingError
from local.paths import ROOT
from local.preflight import PreflightError
from local.project import ProgramError
from local.supervisor import Laptop, LaptopError

CAUSES: Final[tuple[Callable[[str], Exception], ...]] = (
    EmulatorError,
    EngineMissingError,
    LaptopError,
    OrderFileError,
    PreflightError,
    PreparationError,
    ProgramError,
    SignInError,
)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the place of a user's only laptop mode to whoever has it."""
    monkeypatch.setattr("local.__main__.only_one", nullcontext)


def test_an_unsupported_platform_is_refused_with_the_way_out_before_anything_that_it_lacks_is_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(preflight.sys, "platform", "darwin")
    monkeypatch.setattr("local.__main__.only_one", lambda: pytest.fail("an address that only Linux has was taken"))

    assert main(["up"]) == 1

    (sentence,) = capsys.readouterr().err.splitlines()
    assert "needs Linux" in sentence
    assert "this is darwin" in sentence
    assert "use a Linux virtual machine, a container or WSL 2" in sentence


@pytest.mark.parametrize("cause", CAUSES)
def test_what_a_person_can_mend_is_told_in_a_sentence(
    cause: Callable[[str], Exception], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _fail_with(cause("it is so: do this"), monkeypatch)

    assert main(["demo"]) == 1
    assert capsys.readouterr().err == "it is so: do this\n"


def test_an_answer_without_a_use_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reply = Reply(region="eu-west-1", operation="set a price", status=403, location="", body=b"no", headers={})
    _fail_with(UnexpectedReplyError(reply, "202"), monkeypatch)

    assert main(["demo"]) == 1
    assert capsys.readouterr().err == "set a price in eu-west-1 answered 403, expected 202: no\n"


def test_what_several_tasks_say_is_told_once_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = ExceptionGroup("tasks", [SignInError("no token"), SignInError("no token")])
    _fail_with(ExceptionGroup("tasks", [inner, PreparationError("no price")]), monkeypatch)

    assert main(["demo"]) == 1
    assert capsys.readouterr().err == "no token\nno price\n"


@pytest.mark.parametrize(
    "error", [KeyError("x"), ExceptionGroup("tasks", [SignInError("no token"), KeyError("x")])], ids=["alone", "beside"]
)
def test_a_defect_keeps_its_traceback(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    _fail_with(error, monkeypatch)

    with pytest.raises(type(error)):
        main(["demo"])


def test_make_refuses_an_unsupported_platform_before_it_installs_anything(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text(encoding="utf-8"), encoding="utf-8")
    uname = tmp_path / "bin" / "uname"
    uname.parent.mkdir()
    uname.write_text("#!/bin/sh\necho Darwin\n")
    uname.chmod(0o755)

    refused = subprocess.run(
        ["make", "demo"],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{uname.parent}:{os.environ['PATH']}", "PYTHON": "/bin/false"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert refused.returncode != 0
    assert refused.stderr.startswith("Meridian needs Linux to be run and tested, this is Darwin: use a Linux virtual")
    assert not (tmp_path / ".tools").exists()


def _fail_with(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_laptop: Laptop) -> None:
        raise error

    monkeypatch.setattr(Laptop, "__enter__", fail)
