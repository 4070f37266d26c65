"""The version is written in CMakeLists.txt; the command, the module and the wheel say the same."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERSION = re.search(r"^project\(calotype VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text(), re.M)[1]


def test_the_wheel_reads_it():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    source = project["tool"]["scikit-build"]["metadata"]["version"]
    text = (ROOT / source["input"]).read_text()
    assert "version" in project["project"]["dynamic"]
    assert re.search(source["regex"], text, re.MULTILINE)["value"] == VERSION  # as scikit-build-core searches


def test_the_module_and_the_command_say_it():
    import calotype

    command = os.environ.get("CALOTYPE_COMMAND") or ROOT / ".venv/bin/calotype"
    said = subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    assert calotype.__version__ == said == VERSION
