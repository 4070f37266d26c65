"""What a compilation shows of itself on a terminal, and tells a caller of the module."""

import os
import pty
import re
import subprocess

import networks
import numpy as np
import onnx
from conftest import find_command

import calotype


def on_a_terminal(arguments) -> str:
    """What the command writes to a stderr that is one."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(list(map(str, arguments)), stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    text = b""
    while True:
        try:
            more = os.read(ours, 4096)
        except OSError:  # the other end is closed
            more = b""
        if not more:
            break
        text += more
    os.close(ours)
    assert process.wait() == 0, text
    return text.decode()


def files(tmp_path):
    model, _ = networks.over_the_host_and_back()
    onnx.save(model, tmp_path / "m.onnx")
    np.savez(tmp_path / "s.npz", **networks.samples(model, 4))
    return tmp_path / "m.onnx", tmp_path / "s.npz"


def test_the_bar_counts_layers(tmp_path):
    model, samples = files(tmp_path)
    shown = on_a_terminal([find_command(), "compile", model, "--samples", samples, "-o", tmp_path / "snapshot"])
    counts = [(int(done), int(layers)) for done, layers in re.findall(r"% quantize, (\d+) of (\d+) layers", shown)]
    layers = counts[0][1]
    assert layers > 1 and counts[0][0] == 0 and counts[-1] == (layers, layers), shown
    assert counts == sorted(counts) and shown.endswith("\r\x1b[K"), shown


def test_a_caller_is_told_how_far_it_is_over_all_subgraphs(tmp_path):
    model, samples = files(tmp_path)
    told = []
    calotype.compile(model, samples, tmp_path / "snapshot", progress=lambda *now: told.append(now))
    assert list(dict.fromkeys(stage for stage, *_ in told)) == ["import", "quantize", "snapshot"]
    quantizing = [(done, detail) for stage, done, detail in told if stage == "quantize"]
    assert [done for done, _ in quantizing] == sorted(done for done, _ in quantizing)
    assert quantizing[0][0] == 0 and quantizing[-1][0] == 1
    counts = [re.fullmatch(r"(\d+) of (\d+) layers", detail).groups() for _, detail in quantizing]
    assert counts[-1][0] == counts[-1][1] and len({layers for _, layers in counts}) == 1
