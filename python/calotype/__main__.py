"""Runs one script, or one module, with its networks on the NPU:

    python3 -m calotype [--npu NAME] [options] script.py [arguments]
    python3 -m calotype [--npu NAME] [options] -m module [arguments]
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from calotype.hook.options import TABLE, Options

SITE = Path(__file__).parent / "hook" / "site"


def flag_of(name: str) -> str:
    """VAISW_QUANTIZATION_NBIMAGES is --quantization-nbimages."""
    return "--" + name.removeprefix("VAISW_").lower().replace("_", "-")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser("python3 -m calotype", description=__doc__, allow_abbrev=False,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    for option in TABLE:
        shown = option.kind.allowed + ("" if option.default is None else f"; default {option.default}")
        made.add_argument(flag_of(option.name), dest=option.name, metavar="VALUE", help=shown)
    made.add_argument("-m", dest="module", action="store_true", help="what follows is a module's name")
    made.add_argument("script", help="the script to run, or with -m the module")
    made.add_argument("arguments", nargs=argparse.REMAINDER, help="its own arguments")
    return made


def main() -> None:
    given = parser().parse_args()
    if sys.flags.ignore_environment:
        sys.exit("calotype: python -E and -I keep the hook out: leave them away")
    environment = {**os.environ, **{option.name: getattr(given, option.name) for option in TABLE
                                    if getattr(given, option.name) is not None}}  # fmt: skip
    try:
        Options(environment, mention=lambda _: None)  # a wrong option is told here, before Python starts again
    except Exception as reason:
        sys.exit(str(reason))
    others = [entry for entry in environment.get("PYTHONPATH", "").split(os.pathsep) if entry and entry != str(SITE)]
    environment["PYTHONPATH"] = os.pathsep.join([str(SITE), *others])
    flags = subprocess._args_from_interpreter_flags()
    command = [sys.executable, *flags, *(["-m"] if given.module else []), given.script, *given.arguments]
    sys.stdout.flush()
    os.execve(sys.executable, command, environment)


if __name__ == "__main__":
    main()
