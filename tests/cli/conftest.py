"""The command under test, and what a bad input must look like from outside."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits"
SANITIZER = os.environ.get("CALOTYPE_SANITIZER")  # what the command is built with, by scripts/sanitize.sh
LIMIT_SECONDS = 60.0 if SANITIZER else 1.0  # of wall time
LIMIT_BYTES = 4 << 30 if SANITIZER else 200 << 20  # of resident memory
TRIES = 3  # another program may take the processor for one of them


def unsanitized(reason: str):
    """Marks a test of what a sanitizer changes."""
    return pytest.mark.skipif(bool(SANITIZER), reason=f"under a sanitizer: {reason}")


def find_command() -> str:
    """A test run without the command is a failure: it would prove nothing."""
    named = os.environ.get("CALOTYPE_COMMAND") or os.environ.get("CALOTYPE_CLI")
    for place in (named, ROOT / ".venv/bin/calotype", ROOT / "build/release/calotype", ROOT / "build/calotype"):
        if place and Path(place).is_file():
            return str(place)
    pytest.fail("no calotype command: run `make build`, or name it in CALOTYPE_COMMAND")


@dataclass
class Outcome:
    code: int
    stdout: str
    stderr: str
    seconds: float
    peak_bytes: int


class Command:
    """The command, run by the launcher so that its time and memory are its own."""

    def __init__(self, path: str):
        self.path = path
        self.texts = [tempfile.TemporaryFile() for _ in ("stdout", "stderr")]
        answers, write_end = os.pipe()
        self.launcher = subprocess.Popen(
            [sys.executable, "-I", "-S", Path(__file__).with_name("launcher.py"), str(write_end)],
            stdin=subprocess.PIPE, stdout=self.texts[0], stderr=self.texts[1], pass_fds=[write_end], text=True,
        )
        os.close(write_end)
        self.answers = os.fdopen(answers)
        self.refusals = []  # for docs/hostile.md: the test, the message's first line, exit code, seconds, bytes

    def close(self):
        self.launcher.stdin.close()
        self.launcher.wait()

    def __call__(self, *arguments, file_bytes: int | None = None) -> Outcome:
        for file in self.texts:
            file.seek(0)
            file.truncate()
        print(json.dumps([[self.path, *map(str, arguments)], file_bytes]), file=self.launcher.stdin, flush=True)
        code, seconds, peak_bytes = json.loads(self.answers.readline())
        stdout, stderr = [file.seek(0) or file.read().decode() for file in self.texts]
        return Outcome(code, stdout, stderr, seconds, peak_bytes)

    def refuses(self, *arguments, names: str, file_bytes: int | None = None) -> Outcome:
        """Runs what must fail: exit 1 and one clear message with `names` in it, at once."""
        for _ in range(TRIES):
            outcome = self(*arguments, file_bytes=file_bytes)
            if outcome.seconds < LIMIT_SECONDS:
                break
        shown = f"calotype {' '.join(map(str, arguments))}\n{outcome.stdout}{outcome.stderr}"
        assert outcome.code == 1, shown
        assert names.lower() in outcome.stderr.lower(), shown
        lines = [line for line in outcome.stderr.splitlines() if line.strip()]
        heads = [line for line in lines if not line.startswith("  ")]
        assert len(heads) == 1 and ": " in heads[0], shown
        assert heads[0].split(":")[0].replace("_", "").isalnum() and heads[0].split(":")[0].isupper(), shown
        assert outcome.seconds < LIMIT_SECONDS, f"{outcome.seconds:.1f} s: {shown}"
        assert outcome.peak_bytes < LIMIT_BYTES, f"{outcome.peak_bytes >> 20} MiB: {shown}"
        test = os.environ["PYTEST_CURRENT_TEST"].removesuffix(" (call)")
        self.refusals.append((test, heads[0], outcome.code, outcome.seconds, outcome.peak_bytes))
        return outcome


def compile_digits(samples, output):
    return ("compile", DIGITS / "digits.onnx", "--samples", samples, "-o", output)


@pytest.fixture(scope="session")
def calotype():
    command = Command(find_command())
    yield command
    command.close()
    if listing := os.environ.get("CALOTYPE_REFUSALS"):
        Path(listing).write_text(json.dumps(command.refusals))


@pytest.fixture(scope="session")
def compiled(calotype, tmp_path_factory) -> Path:
    """The bundled network's snapshot; tests that change it take a copy."""
    path = tmp_path_factory.mktemp("compiled") / "digits.snapshot"
    outcome = calotype("compile", DIGITS / "digits.onnx", "--samples", DIGITS / "calibration.npz", "-o", path)
    assert outcome.code == 0, outcome.stderr
    return path


@pytest.fixture
def snapshot(compiled, tmp_path) -> Path:
    return Path(shutil.copytree(compiled, tmp_path / "digits.snapshot"))
