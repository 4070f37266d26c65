"""How far a compilation is: a bar where stderr is a terminal, plain lines where it is not."""

import os
import pty
import re
import subprocess
import sys

from test_processes import LOOP


def shown_on_a_terminal(script, *arguments) -> str:
    path = script.folder / "script.py"
    path.write_text(LOOP)
    ours, theirs = pty.openpty()
    process = subprocess.Popen([sys.executable, str(path), *map(str, arguments)], cwd=script.folder, stderr=theirs,
                               env=script.environment(True, {}), stdout=subprocess.DEVNULL)  # fmt: skip
    os.close(theirs)
    text = b""
    try:
        while more := os.read(ours, 4096):
            text += more
    except OSError:
        pass  # the other end is closed
    os.close(ours)
    assert process.wait() == 0, text
    return text.decode()


def test_a_bar_on_a_terminal(script, onnx_model):
    text = shown_on_a_terminal(script, onnx_model)
    bars = re.findall(r"\r\x1b\[K\[VAISW\] compiling small.onnx \(ONNX Runtime\) \[(#* *)\] +(\d+) % ([^\r]*)", text)
    percents = [int(percent) for _, percent, _ in bars]
    assert percents == sorted(percents) and percents[-1] == 100 and len(set(percents)) > 5, text
    assert {len(bar) for bar, *_ in bars} == {30}
    steps = [told for *_, told in bars]
    assert steps[0] == "export" and steps[-1].startswith("snapshot")
    assert any(re.fullmatch(r"quantize, \d+ of \d+ layers, \d+ s left", told) for told in steps), steps
    assert "\r\x1b[K[VAISW] small.onnx (ONNX Runtime)\r\n" in text  # the bar is gone when the report comes


def test_plain_lines_elsewhere(script, onnx_model):
    run = script.ok(LOOP, onnx_model)
    lines = [line for line in run.stderr.splitlines() if "compiling small.onnx" in line]
    told = [line.partition(": ")[2].partition(",")[0] for line in lines]
    assert list(dict.fromkeys(told)) == ["export", "import", "quantize", "snapshot"] and "\r" not in run.stderr and "\x1b" not in run.stderr
    assert re.search(r": quantize, 0 of \d+ layers", lines[2]), lines
