"""A script that `timeout`, a scheduler or a closed terminal ends by a signal still has its report, and ends as it would have."""

import signal
import subprocess
import sys

import pytest

IMPORTS = """
import os, signal, sys, threading, time
import numpy as np
import onnxruntime
"""
LOOP = """
session = onnxruntime.InferenceSession(sys.argv[1])
x = np.random.default_rng(1).standard_normal((6, 1, 3, 16, 16), dtype=np.float32)
for each in x:
    session.run(None, {"x": each})
"""
READY = "print('ready', flush=True)\n"


def ended(script, onnx_model, last: str, number: int, first: str = ""):
    """(how it ended, what it said after the signal on stdout, stderr). It does `last` after its networks' calls."""
    path = script.folder / "script.py"
    path.write_text(IMPORTS + first + LOOP + last)
    # Where the tests themselves run under nohup, they hand on that a signal is ignored.
    process = subprocess.Popen(["env", "--default-signal", sys.executable, str(path), str(onnx_model)], cwd=script.folder,
                               text=True, env=script.environment(True, {}), stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    try:
        assert process.stdout.readline() == "ready\n", process.stderr.read()
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, stdout, stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("waiting", [
    "assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL; time.sleep(100)",
    "while True: session.run(None, {'x': x[0]})",
    "threading.Thread(target=time.sleep, args=(100,)).start()",
])  # fmt: skip
def test_the_report_comes_and_the_signal_ends_it(script, onnx_model, number, waiting):
    code, stdout, stderr = ended(script, onnx_model, READY + waiting, number)
    assert (code, stdout) == (-number, ""), stderr
    assert stderr.count("4 in FP32, ") == stderr.count("[VAISW] small.onnx") == 1, stderr
    assert "Traceback" not in stderr


def test_a_call_that_does_not_let_go_of_python_is_ended_without_a_report(script, onnx_model):
    code, stdout, stderr = ended(script, onnx_model, READY + "sum(range(10**12))", signal.SIGTERM)
    assert (code, stdout) == (-signal.SIGTERM, ""), stderr


@pytest.mark.parametrize("place", ["before", "after"])
def test_handlers_of_the_script_are_its_own(script, onnx_model, place):
    """Whether it sets one before or after its first network."""
    handler = """
def handle(number, frame):
    print("heard")
    raise SystemExit(3)
signal.signal(signal.SIGTERM, handle)
"""
    first, last = (handler, "") if place == "before" else ("", handler)
    code, stdout, stderr = ended(script, onnx_model, last + READY + "time.sleep(100)", signal.SIGTERM, first)
    assert (code, stdout) == (3, "heard\n"), stderr
    assert stderr.count("4 in FP32, 2 on the NPU") == 1, stderr


def test_children_end_as_ever(script, onnx_model):
    text = """
pid = os.fork()
if not pid:
    time.sleep(100)
os.kill(pid, signal.SIGTERM)
print(os.waitpid(pid, 0)[1])
""" + READY.replace("ready", "children")
    run = script.ok(IMPORTS + LOOP + text, onnx_model)
    assert run.stdout == f"{int(signal.SIGTERM)}\nchildren\n"
    assert run.stderr.count("4 in FP32, 2 on the NPU") == 1, run.stderr
