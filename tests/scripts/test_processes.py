"""What happens around a script: other processes, other frameworks, a kill, a disk that cannot be written."""

import resource
import shutil
import signal
import subprocess
import sys
import time

import pytest
from script_runner import LOOP

import calotype


def heed_ctrl_c() -> None:
    """A shell lets the programs that it starts in the background ignore it, and theirs inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def started(script, *arguments, text=LOOP, **variables) -> subprocess.Popen:
    path = script.folder / "script.py"
    path.write_text(text)
    return subprocess.Popen([sys.executable, str(path), *map(str, arguments)], cwd=script.folder, text=True,
                            env=script.environment(True, variables), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            preexec_fn=heed_ctrl_c)  # fmt: skip


def leftovers(script) -> list[str]:
    """What calotype keeps beside whole entries and their locks."""
    home = script.home / ".amd" / "vaisw"
    found = [path.name for path in (home / "recordings").iterdir()]
    found += [path.name for path in (home / "networks").iterdir() if path.name.startswith(".")]
    return found + [path.name for path in home.iterdir() if path.name not in ("networks", "recordings", "snapshot")]


def test_two_at_once_end_with_one_whole_snapshot(script, onnx_model):
    both = [started(script, onnx_model) for _ in range(2)]
    for process in both:
        stdout, stderr = process.communicate()
        assert process.returncode == 0 and stdout == "done (1, 5)\n", stderr
    assert all(check[1] for check in calotype.verify(script.snapshot))
    assert len(list((script.home / ".amd" / "vaisw" / "networks").glob("*/entry.json"))) == 1
    assert leftovers(script) == []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_killed_while_it_compiles_and_started_again(script, onnx_model, how):
    slow = {"text": LOOP.replace("(1, 3, 16, 16)", "(1000, 3, 16, 16)"), "VAISW_QUANTIZATION_NBIMAGES": 4000}
    process = started(script, onnx_model, **slow)
    for line in process.stderr:
        if "quantize" in line:
            process.send_signal(how)
            break
    stderr = process.stderr.read()
    process.wait()
    if how == signal.SIGINT:
        assert "KeyboardInterrupt" in stderr and "nothing was compiled" in stderr, stderr
    else:
        assert process.returncode == -signal.SIGKILL
    assert not script.snapshot.exists()
    run = script.ok(slow["text"], onnx_model, VAISW_QUANTIZATION_NBIMAGES=4000)
    assert run.samples() == (4000, 2000), run.stderr
    assert leftovers(script) == []


def test_a_script_that_dies_still_reports(script, onnx_model):
    run = script(LOOP + "raise ValueError('mine')", onnx_model)
    assert run.code == 1 and "ValueError: mine" in run.stderr and run.samples() == (4, 2)


def test_a_home_that_cannot_be_written(script, onnx_model):
    script.home.rmdir()
    script.home.write_text("no folder")  # root may write wherever permissions forbid it
    run = script.ok(LOOP, onnx_model)
    assert run.samples() == (4, 2) and "cannot be written" in run.stderr, run.stderr
    kept = run.stderr.partition("networks are kept in ")[2].splitlines()[0]
    assert all(check[1] for check in calotype.verify(f"{kept}/snapshot"))
    shutil.rmtree(kept)


def isolated(script, arguments: list, unshared: str, prepare: str, **variables) -> subprocess.CompletedProcess:
    """LOOP in namespaces of its own, after the shell's commands `prepare`."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", unshared, "true"], capture_output=True).returncode:
        pytest.skip(f"unshare {unshared} is not allowed here")
    path = script.folder / "script.py"
    path.write_text(LOOP)
    command = ["unshare", unshared, "sh", "-ec", f'{prepare}\nexec "$@"', "sh", sys.executable, path, *arguments]
    done = subprocess.run(command, cwd=script.folder, text=True, env=script.environment(True, variables), capture_output=True)
    assert done.returncode == 0 and done.stdout == "done (1, 5)\n", done.stderr
    return done


def test_a_read_only_home(script, onnx_model):
    temporary = script.folder / "temporary"
    temporary.mkdir()
    read_only = f"mount --bind {script.home} {script.home}; mount -o remount,bind,ro {script.home}"
    run = isolated(script, [onnx_model], "-rm", read_only, TMPDIR=temporary)
    assert "(Read-only file system)" in run.stderr and "4 in FP32, 2 on the NPU" in run.stderr, run.stderr
    assert list(script.home.iterdir()) == []
    (kept,) = temporary.glob("vaisw-*")
    assert f"snapshot directory dumped in {kept}/snapshot" in run.stderr
    assert all(check[1] for check in calotype.verify(kept / "snapshot"))

    script.ok(LOOP, onnx_model)
    again = isolated(script, [onnx_model], "-rm", read_only, TMPDIR=temporary)  # what was compiled before is found
    assert "0 in FP32, 6 on the NPU" in again.stderr and "compiling" not in again.stderr, again.stderr


def test_a_machine_where_nothing_can_be_written(script, onnx_model):
    read_only = "; ".join(f"mount --bind {folder} {folder}; mount -o remount,bind,ro {folder}"
                          for folder in (script.folder, "/tmp", "/var/tmp"))  # fmt: skip
    run = isolated(script, [onnx_model], "-rm", f"{read_only}; cd {script.folder}", TMPDIR=script.folder)
    assert run.stderr.count("[VAISW]") == 1, run.stderr
    assert "[VAISW] nothing can be written, the script runs untouched" in run.stderr, run.stderr


def test_the_cache_is_bounded(script, onnx_model):
    limited = "import calotype.hook.cache as cache\ncache.LIMIT_BYTES = 60_000\n" + LOOP
    for images in (1, 2, 3):
        script.ok(limited, onnx_model, VAISW_QUANTIZATION_NBIMAGES=images)
        time.sleep(0.02)  # folders' times tell which was used longest ago
    entries = [path.parent for path in (script.home / ".amd" / "vaisw" / "networks").glob("*/entry.json")]
    sizes = [sum(file.stat().st_size for file in entry.rglob("*") if file.is_file()) for entry in entries]
    assert 1 <= len(entries) < 3 and (sum(sizes) <= 60_000 or len(entries) == 1)
    assert not script.ok(LOOP, onnx_model, VAISW_QUANTIZATION_NBIMAGES=3).compiled  # the latest stayed


def test_without_a_network(script, onnx_model):
    run = isolated(script, [onnx_model], "-rn", "")
    assert "4 in FP32, 2 on the NPU" in run.stderr, run.stderr


DETECTOR_AND_CLASSIFIER = """
import numpy as np
import onnxruntime
import torch
from torch import nn
from torch.utils.data import DataLoader

class Images(torch.utils.data.Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, index):
        assert __import__("calotype.hook.guard").hook.guard.in_worker() == (torch.utils.data.get_worker_info() is not None)
        return nn.Conv2d(3, 3, 1)(torch.full((3, 16, 16), index / 6)).detach(), index  # a layer, but in a worker

if __name__ == "__main__":
    torch.manual_seed(0)
    detector = onnxruntime.InferenceSession(__import__("sys").argv[1])
    classifier = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 14, 5)).eval()
    with torch.no_grad():
        for x, _ in DataLoader(Images(), batch_size=1, num_workers=2, multiprocessing_context=START):
            boxes = detector.run(None, {"x": x.numpy()})[0]
            classes = classifier(x)
    print(boxes.shape, classes.shape)
"""


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_two_frameworks_and_data_loader_workers(script, onnx_model, start):
    run = script.ok(DETECTOR_AND_CLASSIFIER.replace("START", repr(start)), onnx_model)
    assert [run.samples(i) for i in (0, 1)] == [(4, 2), (4, 2)], run.stderr
    assert run.report.count("6 batches of 1 sample") == 2  # the workers' layers are no networks
    assert (script.snapshot.parent / "snapshot.2" / "manifest.json").exists()


FORK = """
import os
import sys
import torch
from torch import nn

torch.manual_seed(6)
model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3)).eval()
with torch.no_grad():
    for i in range(6):
        model(torch.rand(1, 3, 16, 16))
        if i == CALL and os.fork() == 0:
            print("in the child", flush=True)
            sys.exit(7)
        if i == CALL:
            print("child", os.waitstatus_to_exitcode(os.wait()[1]))
"""


def test_a_forked_child_leaves_the_recording_alone(script):
    run = script.ok(FORK.replace("CALL", "1"))
    assert run.stdout == "in the child\nchild 7\n" and run.samples() == (4, 2), run.stderr


def test_a_child_forked_from_the_compiled_network_ends_as_ever(script):
    """Threads of the native parts are the parent's: nothing in the child may wait for them."""
    for samples in ((4, 2), (0, 6)):  # compiled in this run, found compiled
        run = script.ok(FORK.replace("CALL", "5"))
        assert run.stdout == "in the child\nchild 7\n" and run.samples() == samples, run.stderr
        assert "nanobind" not in run.stderr and run.report.count("on the NPU") == 1, run.stderr


TENSORFLOW = """
import tensorflow as tf

tf.keras.utils.set_random_seed(1)
keras_model = tf.keras.Sequential([tf.keras.layers.Conv2D(4, 3, activation="relu"), tf.keras.layers.GlobalAveragePooling2D(),
                                   tf.keras.layers.Dense(5)])
for i in range(6):
    told = keras_model(tf.fill((1, 16, 16, 3), i / 6))
print("TensorFlow", told.numpy().tobytes().hex(), keras_model.predict(tf.fill((2, 16, 16, 3), 0.5), verbose=0).tobytes().hex())
"""
TORCH = """
import torch
from torch import nn

torch.manual_seed(1)
torch_model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3)).eval()
with torch.no_grad():
    for i in range(6):
        print("PyTorch", tuple(torch_model(torch.rand(1, 3, 16, 16)).shape))
"""
LINE = "[VAISW] TensorFlow and Keras are not built yet: their networks ran untouched"


def test_a_tensorflow_script_runs_untouched_and_one_line_says_so(script):
    run = script.ok(TENSORFLOW, TF_CPP_MIN_LOG_LEVEL=3)
    assert run.stdout == script.ok(TENSORFLOW, hook=False, TF_CPP_MIN_LOG_LEVEL=3).stdout
    assert run.report == LINE, run.stderr


@pytest.mark.parametrize("order", [
    "torch, tensorflow, onnxruntime",
    "tensorflow, onnxruntime, torch",
    "onnxruntime, torch, tensorflow",
    "tensorflow, torch, onnxruntime",
])  # fmt: skip
def test_three_frameworks_at_once(script, onnx_model, order):
    run = script.ok(f"import {order}\n" + LOOP + TORCH + TENSORFLOW, onnx_model, TF_CPP_MIN_LOG_LEVEL=3)
    assert [run.samples(i) for i in (0, 1)] == [(4, 2), (4, 2)], run.stderr
    assert run.stdout.count("PyTorch (1, 5, 12, 12)") == 6 and run.stdout.count("TensorFlow ") == 1
    assert run.stderr.count(LINE) == 1, run.stderr


def test_pip_runs_as_ever(script):
    path = script.folder / "script.py"
    path.write_text("")
    environment = script.environment(True, {"VAISW_QUANTIZATION_NBIMAGES": "wrong"})
    done = subprocess.run([sys.executable, "-m", "pip", "--version"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr


def processor_seconds(environment: dict) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", "pass"], env=environment, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_start_up_takes_at_most_10_ms_more(script):
    """Of processor time, the best of several starts each, taken in turn: other programs run meanwhile."""
    best = {True: 1e9, False: 1e9}
    for _ in range(40):
        for hook in best:
            best[hook] = min(best[hook], processor_seconds(script.environment(hook, {})))
    assert best[True] - best[False] < 0.010, best


def test_a_working_folder_that_is_gone(script, onnx_model):
    loop = "import os\nos.mkdir('gone')\nos.chdir('gone')\nos.rmdir('../gone')\n" + LOOP
    run = script.ok(loop, onnx_model)
    assert run.stdout == "done (1, 5)\n" and run.samples() == (4, 2), run.stderr
    relative = script(loop, onnx_model, VAISW_RUNSESSION_DIRECTORY="here")
    assert relative.code == 1 and "OPTION_VALUE" in relative.stderr, relative.stderr


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&- <&-"])
def test_a_program_without_a_terminal(script, onnx_model, closed):
    """Python has no sys.stderr then, and print would take stdout in its place."""
    path = script.folder / "script.py"
    path.write_text(LOOP + "open('done.txt', 'w').write(str(y[0].shape))\n")
    done = subprocess.run(f'{sys.executable} {path} {onnx_model} {closed}', shell=True, cwd=script.folder, text=True,
                          env=script.environment(True, {}), capture_output=True)  # fmt: skip
    assert done.returncode == 0 and done.stdout == "done (1, 5)\n" * (closed == "2>&-"), done.stdout
    assert (script.folder / "done.txt").read_text() == "(1, 5)" and script.snapshot.exists()
