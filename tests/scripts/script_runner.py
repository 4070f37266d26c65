"""Scripts that know nothing of calotype, run as their users run them."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Six calls of an ONNX Runtime network of one input.
LOOP = """
import sys
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1])
random = np.random.default_rng(1)
for _ in range(6):
    y = session.run(None, {"x": random.standard_normal((1, 3, 16, 16), dtype=np.float32)})
print("done", y[0].shape)
"""


def package_folder() -> Path:
    """Of the calotype under test, whose hook goes into every script."""
    import calotype

    return Path(calotype.__file__).parent


@dataclass
class Run:
    code: int
    stdout: str
    stderr: str

    @property
    def report(self) -> str:
        return "\n".join(line for line in self.stderr.splitlines() if line.startswith("[VAISW]"))

    def samples(self, network: int = 0) -> tuple[int, int]:
        """In FP32, on the NPU."""
        found = re.findall(r"(\d+) in FP32, (\d+) on the NPU", self.report)
        return int(found[network][0]), int(found[network][1])

    def networks(self, name: str) -> int:
        """How many of that name the report tells of."""
        count, told = 0, ""
        for line in self.report.splitlines():
            told = line if not line.startswith("[VAISW] \t") else told
            more = re.search(r"and (\d+) networks? more like this", line)
            if told == f"[VAISW] {name}":
                count += int(more[1]) if more else line == told
        return count

    @property
    def compiled(self) -> int:
        return len(re.findall(r"compiling .*: snapshot", self.stderr))


class Runner:
    """Runs scripts in a folder and a home of their own."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()

    @property
    def snapshot(self) -> Path:
        return self.home / ".amd" / "vaisw" / "snapshot"

    def environment(self, hook: bool, variables: dict) -> dict:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("VAISW_")}
        kept |= {"HOME": str(self.home), "PYTHONDONTWRITEBYTECODE": "1"}
        kept["PYTHONPATH"] = str(package_folder() / "hook" / "site") if hook else ""
        return kept | {name: str(value) for name, value in variables.items()}

    def __call__(self, script: str | Path, *arguments, hook: bool = True, python=(), **variables) -> Run:
        if not isinstance(script, Path):
            path = self.folder / "script.py"
            path.write_text(script)
            script = path
        done = subprocess.run([sys.executable, *python, str(script), *map(str, arguments)], cwd=self.folder,
                              env=self.environment(hook, variables), capture_output=True, text=True)  # fmt: skip
        return Run(done.returncode, done.stdout, done.stderr)

    def ok(self, *arguments, **options) -> Run:
        run = self(*arguments, **options)
        assert run.code == 0, run.stdout + run.stderr
        return run
