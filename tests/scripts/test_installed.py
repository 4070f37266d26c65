"""What pip installs: the wheel's Python files, made without compiling, and beside them what CMake installs into it."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from script_runner import LOOP, ROOT, package_folder

NPU = "VE2802_NPU_IP_O00_A304_M3"
SHELLS = ("bash", "zsh", "dash")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    """Of the sources that git would clone, without what is compiled."""
    folder = tmp_path_factory.mktemp("wheel")
    sources = folder / "sources"
    for name in ("pyproject.toml", "CMakeLists.txt", "README.md", "LICENSE"):
        sources.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, sources)
    shutil.copytree(ROOT / "python", sources / "python", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
                    "--config-settings=wheel.cmake=false", "--wheel-dir", folder, sources], check=True)  # fmt: skip
    (made,) = folder.glob("calotype-*.whl")
    return made


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory) -> Path:
    """An environment with calotype in it and nothing of the build folder; the frameworks are those of the tests."""
    build = package_folder().parents[1]
    if not (build / "CMakeCache.txt").exists():
        pytest.skip(f"{build} is no build folder")
    environment = tmp_path_factory.mktemp("installed") / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    (packages,) = environment.glob("lib/python3*/site-packages")
    (packages / "frameworks.pth").write_text(sysconfig.get_path("purelib") + "\n")
    zipfile.ZipFile(wheel).extractall(packages)
    subprocess.run(["cmake", "--install", build, "--component", "python", "--prefix", packages], check=True,
                   capture_output=True)  # fmt: skip
    shutil.move(packages / "bin" / "calotype", environment / "bin" / "calotype")
    return environment


def shell(name: str, text: str, installed: Path, home: Path) -> subprocess.CompletedProcess:
    if shutil.which(name) is None:
        pytest.skip(f"no {name} here")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("VAISW_", "CALOTYPE_", "PYTHON"))}
    kept |= {"PATH": f"{installed / 'bin'}:{os.environ['PATH']}", "HOME": str(home)}
    return subprocess.run([name, "-c", text], env=kept, cwd="/", capture_output=True, text=True)


def test_every_file_of_the_package_is_in_the_wheel(wheel):
    held = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("calotype/")}
    sources = ROOT / "python"
    wanted = {str(path.relative_to(sources)) for path in (sources / "calotype").rglob("*")
              if path.is_file() and "__pycache__" not in path.parts}  # fmt: skip
    assert held == wanted
    assert {"calotype/settings.sh", "calotype/hook/site/sitecustomize.py", "calotype/py.typed"} <= held


@pytest.mark.parametrize("name", SHELLS)
def test_sourced_as_the_documentation_says(installed, script, onnx_model, name):
    source = "." if name == "dash" else "source"
    (script.folder / "script.py").write_text(LOOP)
    run = shell(name, f'{source} "$(calotype settings)"; {source} "$(calotype settings)"; echo "$VAISW_NPU"; echo "$PYTHONPATH"; '
                f"python3 {script.folder / 'script.py'} {onnx_model}", installed, script.home)  # fmt: skip
    (packages,) = installed.glob("lib/python3*/site-packages")
    assert run.stdout == f"{NPU}\n{packages}/calotype/hook/site\ndone (1, 5)\n", run.stderr
    assert "4 in FP32, 2 on the NPU" in run.stderr and (script.snapshot / "manifest.json").exists(), run.stderr


def test_names_and_figures(installed, script):
    names = shell("bash", 'source "$(calotype settings)" LIST', installed, script.home).stdout
    assert names == f"{NPU}\n{NPU}_EXTENDED\nnone\n"
    figures = shell("zsh", 'source "$(calotype settings)" FLIST', installed, script.home).stdout
    assert f"name: {NPU}_EXTENDED" in figures and "tile_memory_bytes: 65536" in figures


@pytest.mark.parametrize("name", SHELLS)
def test_executed_it_refuses(installed, script, name):
    run = shell(name, f'{name} "$(calotype settings)"', installed, script.home)
    assert run.returncode == 1 and "has to be sourced" in run.stderr and run.stdout == ""


def test_for_one_run(installed, script, onnx_model):
    (script.folder / "script.py").write_text(LOOP)
    run = shell("bash", f"python3 -m calotype --quantization-nbimages 2 {script.folder / 'script.py'} {onnx_model}", installed,
                script.home)  # fmt: skip
    assert run.stdout == "done (1, 5)\n" and "2 in FP32, 4 on the NPU" in run.stderr, run.stderr
