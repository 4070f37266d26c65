"""What a script's own signal handlers raise while calotype compiles or answers is the script's."""

import os
import subprocess
import sys

SCRIPT = """
import signal, sys
import numpy as np
import onnxruntime

class Slow(Exception):
    pass

def handle(number, frame):
    raise Slow

class Sending:
    # A stream that lets the signal arrive while calotype tells how far it is.
    def __init__(self, stage):
        self.stage = stage

    def write(self, text):
        sys.__stderr__.write(text)
        if self.stage in text:
            self.stage = "never again"
            signal.raise_signal(signal.SIGALRM)

    def flush(self):
        sys.__stderr__.flush()

signal.signal(signal.SIGALRM, handle)
session = onnxruntime.InferenceSession(sys.argv[1])
x = np.random.default_rng(1).standard_normal((12, 1, 3, 16, 16), dtype=np.float32)
sys.stderr = Sending("quantize, 0 of")
for i in range(5):
    try:
        print(i, session.run(None, {"x": x[i]})[0].shape)
    except Slow:
        print(i, "slow")
assert signal.getsignal(signal.SIGALRM) is handle
for i in range(5, 9):
    print(i, session.run(None, {"x": x[i]})[0].shape)
wide = np.repeat(x[9], 2000, 0)
signal.setitimer(signal.ITIMER_REAL, 0.001)
try:
    print(session.run(None, {"x": wide})[0].shape)
except Slow:
    print("slow")
session.run(None, {"x": x[10]})
"""


def test_a_script_with_a_time_limit(script, onnx_model):
    """Its exception would be lost in the line that tells the progress, and its network be left to ONNX Runtime for good."""
    run = script.ok(SCRIPT, onnx_model)
    lines = run.stdout.splitlines()
    assert lines == [*(f"{i} (1, 5)" for i in range(3)), "3 slow", *(f"{i} (1, 5)" for i in range(4, 9)), "slow"], run.stderr
    assert run.samples() == (4, 6), run.stderr  # the interrupted call of the NPU is none
    assert "untouched" not in run.report


REPLACED = """
import signal
from calotype.hook.signals import Heard

def first(number, frame):
    signal.signal(number, signal.SIG_IGN)

signal.signal(signal.SIGALRM, first)
with Heard():
    signal.raise_signal(signal.SIGALRM)
assert signal.getsignal(signal.SIGALRM) is signal.SIG_IGN
"""


def test_a_handler_that_the_script_puts_in_its_place_stays():
    """The second Ctrl-C of many scripts ends them at once."""
    environment = os.environ | {"VAISW_ENABLE_PYWRAPPER": "0"}
    ran = subprocess.run([sys.executable, "-c", REPLACED], capture_output=True, text=True, env=environment)
    assert ran.returncode == 0, ran.stderr
