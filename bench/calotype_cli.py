"""Finds and calls the `calotype` command."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

# A program of its own: a child's peak memory begins at its parent's, and that of a benchmark is large.
LAUNCHER = """
import json, os, sys, time
start = time.monotonic()
child = os.fork()
if child == 0:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.execv(sys.argv[1], sys.argv[1:])
status, used = os.wait4(child, 0)[1:]
print(json.dumps([os.waitstatus_to_exitcode(status), time.monotonic() - start, used.ru_maxrss]))
"""

ROOT = Path(__file__).resolve().parent.parent


def command() -> str:
    """Path of the command: $CALOTYPE_CLI, else .venv/bin/calotype, else the one on PATH."""
    for candidate in (os.environ.get("CALOTYPE_CLI"), ROOT / ".venv/bin/calotype", shutil.which("calotype")):
        if candidate and Path(candidate).exists():
            return str(candidate)
    raise SystemExit("no `calotype` command: run `make build` or set CALOTYPE_CLI")


class Failed(Exception):
    """The command ended with another exit code than 0; the text is its message."""


def call(*arguments, cwd=None) -> str:
    """Runs `calotype ARGUMENTS` and returns its stdout."""
    done = subprocess.run([command(), *map(str, arguments)], capture_output=True, text=True, cwd=cwd, check=False)
    if done.returncode != 0:
        raise Failed(f"calotype {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stderr.strip()}")
    return done.stdout


def call_json(*arguments):
    """Runs `calotype ARGUMENTS --json` and returns what it printed."""
    return json.loads(call(*arguments, "--json"))


def call_measured(*arguments) -> dict:
    """Runs `calotype ARGUMENTS`; returns wall seconds and the peak resident memory of that process in MB."""
    done = subprocess.run([sys.executable, "-S", "-c", LAUNCHER, command(), *map(str, arguments)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True)
    code, seconds, peak_kb = json.loads(done.stdout)
    if code != 0:
        raise Failed(f"calotype {' '.join(map(str, arguments))}: exit {code}\n{done.stderr.strip()}")
    return {"seconds": round(seconds, 2), "peak_mb": round(peak_kb / 1024, 1)}
