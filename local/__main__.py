"""`python -m local up` (make local, with --engine make up-local) and `python -m local demo` (make demo)."""

import argparse
import sys
import time

from local.errors import messages
from local.preflight import check_platform, only_one
from local.supervisor import ENGINE, EVALUATION, Laptop, load_deployment
from local.tree import Tree


def main(arguments: list[str]) -> int:
    """Run a command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("command", choices=["up", "demo"])
    parser.add_argument("--engine", action="store_true", help="deploy by the Pulumi command line on PATH")
    known = parser.parse_args(arguments)
    command = known.command
    tree = Tree()
    began = time.monotonic()
    tree.say("Meridian on this machine: the global stack and a cell a Region, without an AWS account")
    try:
        # First: what follows is made for it.
        check_platform()
        if known.engine:
            _check_engine()
        with only_one(), Laptop(tree, deployer=ENGINE if known.engine else EVALUATION) as laptop:
            laptop.up()
            return _demo(laptop, began) if command == "demo" else _stay(laptop, tree)
    except KeyboardInterrupt:  # StopRequested is one
        tree.say("taken down")
        return 0 if command == "up" else 130
    except Exception as error:
        if not (told := messages(error)):
            raise
        sys.stderr.write("".join(f"{message}\n" for message in told))
        return 1


def _check_engine() -> None:
    from local.engine.command_line import require_engine  # noqa: PLC0415 - the first line does not wait for its imports

    require_engine()


def _demo(laptop: Laptop, began: float) -> int:
    from local.demo.run import run  # noqa: PLC0415 - as above

    return run(load_deployment(laptop), began=began)


def _stay(laptop: Laptop, tree: Tree) -> int:
    tree.doing("bringing in a customer, a title and some money to try it with")
    if laptop.run("local.guide") != 0:
        tree.say("the lines to try could not be prepared; the laptop mode is up all the same")
    tree.say("Ctrl-C takes everything down")
    laptop.watch()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
