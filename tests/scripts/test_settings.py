"""settings.sh in the shells that people have, and `python3 -m calotype`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from script_runner import package_folder

SETTINGS = package_folder() / "settings.sh"
NPU = "VE2802_NPU_IP_O00_A304_M3"
SHOW = 'echo "$VAISW_NPU|$PYTHONPATH"'
SITE = str(package_folder() / "hook" / "site")


def shell(name: str, text: str, *arguments, **variables) -> subprocess.CompletedProcess:
    if shutil.which(name) is None:
        pytest.skip(f"no {name} here")
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH" and not key.startswith("VAISW_")}
    return subprocess.run([name, "-c", text, name, *arguments], env=kept | variables, cwd="/", capture_output=True, text=True)


@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_sourced(name, command):
    twice = shell(name, f"source {SETTINGS}; source {SETTINGS}; {SHOW}")
    assert twice.stdout == f"{NPU}|{SITE}\n" and twice.stderr == "", twice.stderr
    other = shell(name, f"source {SETTINGS} {NPU}_EXTENDED; {SHOW}", PYTHONPATH="/mine")
    assert other.stdout == f"{NPU}_EXTENDED|{SITE}:/mine\n", other.stderr


def test_sourced_in_dash(command):
    subprocess.run([command, "settings"], check=True, capture_output=True)  # writes the folder
    run = shell("dash", f'VAISW_NPU={NPU}_EXTENDED; . "$({command} settings)"; {SHOW}', "the script's own")
    assert run.stdout == f"{NPU}_EXTENDED|{SITE}\n", run.stderr


def test_a_settings_file_without_the_folders_line_stays(command, tmp_path):
    settings = tmp_path / "lib/python3.11/site-packages/calotype/settings.sh"
    settings.parent.mkdir(parents=True)
    settings.write_text("# edited by hand: 'mine' and 'mine too'\n")
    (tmp_path / "bin").mkdir()
    own = shutil.copy(command, tmp_path / "bin/calotype")
    run = subprocess.run([own, "settings"], capture_output=True, text=True)
    assert run.stdout == f"{settings}\n" and run.returncode == 0, run.stderr
    assert settings.read_text() == "# edited by hand: 'mine' and 'mine too'\n"


@pytest.mark.parametrize("name", ["bash", "zsh", "dash"])
def test_executed_it_refuses(name):
    if shutil.which(name) is None:
        pytest.skip(f"no {name} here")
    run = subprocess.run([name, SETTINGS], capture_output=True, text=True)
    assert run.returncode == 1 and "has to be sourced" in run.stderr


def test_lists(command):
    names = shell("bash", f"source {SETTINGS} LIST; {SHOW}").stdout.splitlines()
    assert names == [NPU, f"{NPU}_EXTENDED", "none", "|"]
    figures = shell("bash", f"source {SETTINGS} FLIST").stdout
    assert "tile_memory_bytes: 65536" in figures and f"name: {NPU}_EXTENDED" in figures


def test_an_unknown_npu_changes_nothing(command):
    run = shell("bash", f"source {SETTINGS} VE2802_NPU_IP_O00_A304_M4; {SHOW}")
    assert run.stdout == "|\n" and NPU in run.stderr


def test_python_m_calotype(script, onnx_model):
    """The folder of the tested module is on the path of this one command alone."""
    show = "import sys, os; print(sys.argv, __name__, os.environ['VAISW_NPU'], os.environ['PYTHONPATH'], __file__)"
    module = ("-m", "calotype", "--npu", f"{NPU}_EXTENDED")
    run = script.ok(show, "a", "--npu", "b", python=module, hook=False, PYTHONPATH=package_folder().parent)
    path = script.folder / "script.py"
    assert run.stdout == f"{[str(path), 'a', '--npu', 'b']} __main__ {NPU}_EXTENDED {SITE}:{package_folder().parent} {path}\n"
    wrong = script("", python=("-m", "calotype", "--quantization-nbimages", "0"), hook=False,
                   PYTHONPATH=package_folder().parent)  # fmt: skip
    assert wrong.code == 1 and "OPTION_VALUE" in wrong.stderr and "Traceback" not in wrong.stderr
    (script.folder / "tool.py").write_text("import sys; print(__name__, sys.argv[1:])")
    ran = subprocess.run([sys.executable, "-m", "calotype", "-m", "tool", "x"], cwd=script.folder, text=True,
                         env=script.environment(False, {"PYTHONPATH": package_folder().parent}), capture_output=True)  # fmt: skip
    assert ran.stdout == "__main__ ['x']\n", ran.stderr


def test_another_sitecustomize_still_runs(script):
    other = script.folder / "other"
    other.mkdir()
    (other / "sitecustomize.py").write_text("print('other', __name__)")
    run = script.ok("import sitecustomize; print(sitecustomize.__file__)", PYTHONPATH=f"{SITE}:{other}")
    assert run.stdout == f"other sitecustomize\n{other}/sitecustomize.py\n"


@pytest.mark.parametrize("missing, instead", [
    ("hook/finder.py", ""), ("hook/session.py", ""), ("_core", ""), ("_core", "_core.py"),
])  # fmt: skip
def test_a_half_installed_calotype_breaks_nobody(script, onnx_model, missing, instead):
    """The last has files of two versions."""
    package = Path(shutil.copytree(package_folder(), script.folder / "calotype"))
    for part in package.glob(f"{missing}*"):
        part.unlink()
    if instead:
        (package / instead).touch()
    loop = f"""
import numpy as np, onnxruntime
session = onnxruntime.InferenceSession({str(onnx_model)!r})
for _ in range(6):
    y = session.run(None, {{"x": np.ones((1, 3, 16, 16), np.float32)}})
print(y)
"""
    run = script.ok(loop, PYTHONPATH=package / "hook" / "site")
    assert run.stdout == script.ok(loop, hook=False).stdout
    assert len(run.stderr.splitlines()) == 1 and "[VAISW]" in run.stderr, run.stderr


def test_nothing_is_imported_that_the_script_does_not_import(script):
    run = script.ok("import sys; print([m for m in sys.modules if m.partition('.')[0] in "
                    "('torch', 'numpy', 'onnxruntime', 'onnx', 'threading', 'calotype')])")  # fmt: skip
    assert run.stdout == "['calotype', 'calotype.hook.finder', 'calotype.hook']\n"


def test_a_script_may_ask_first_whether_there_is_a_framework(script, onnx_model):
    """As transformers does before it imports PyTorch; or try to import it in vain."""
    run = script.ok(f"""
import importlib.util, sys
path, sys.path = sys.path, []
try:
    import onnxruntime
except ImportError:
    sys.path = path
assert importlib.util.find_spec("onnxruntime")
import numpy as np, onnxruntime
session = onnxruntime.InferenceSession({str(onnx_model)!r})
for _ in range(6):
    session.run(None, {{"x": np.ones((1, 3, 16, 16), np.float32)}})
""")
    assert run.samples() == (4, 2), run.stderr
