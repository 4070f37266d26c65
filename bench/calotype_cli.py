"""Finds and calls the `calotype` command."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

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
    started = time.monotonic()
    process = subprocess.Popen([command(), *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               text=True)
    message = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Failed(f"calotype {' '.join(map(str, arguments))}: exit {process.returncode}\n{message.strip()}")
    return {"seconds": round(time.monotonic() - started, 2), "peak_mb": round(usage.ru_maxrss / 1024, 1)}
