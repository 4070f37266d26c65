"""What `make demo` shows: the bundled network compiled, its accuracy before and after, where it runs, how fast."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime

HERE = Path(__file__).parent
COMMAND = Path(sys.executable).parent / "calotype"


def calotype(*arguments: str | Path) -> str:
    """Runs the command, shows it, and gives what it prints."""
    words = [str(argument) for argument in arguments]
    shown = " ".join(word.replace(f"{HERE}", "examples/digits") for word in words)
    print(f"\n$ calotype {shown}", flush=True)
    return subprocess.run([COMMAND, *words], check=True, stdout=subprocess.PIPE, text=True).stdout


def fp32_logits(images: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(HERE / "digits.onnx", providers=["CPUExecutionProvider"])
    return session.run(["logits"], {"image": images})[0]


def compare(fp32: np.ndarray, npu: np.ndarray, labels: np.ndarray) -> str:
    noise = np.sum((npu - fp32) ** 2)
    ratio = 10 * np.log10(np.sum(fp32**2) / noise) if noise else np.inf
    return (
        f"  top-1 on {len(labels)} test images    FP32 {100 * np.mean(fp32.argmax(1) == labels):.2f} %"
        f"    NPU {100 * np.mean(npu.argmax(1) == labels):.2f} %\n"
        f"  same answer as FP32         {100 * np.mean(npu.argmax(1) == fp32.argmax(1)):.2f} %\n"
        f"  output signal to noise      {ratio:.1f} dB"
    )


def main() -> None:
    work = Path(tempfile.mkdtemp(prefix="calotype-demo-"))
    snapshot = work / "digits.snapshot"
    print("What runs where:")
    print(calotype("explain", HERE / "digits.onnx"))
    calotype("compile", HERE / "digits.onnx", "--samples", HERE / "calibration.npz", "-o", snapshot)
    print(calotype("inspect", snapshot))
    calotype("run", snapshot, "--input", HERE / "test.npz", "--output", work / "outputs.npz")
    images = np.load(HERE / "test.npz")["image"]
    labels = np.load(HERE / "test_labels.npz")["label"]
    print(compare(fp32_logits(images), np.load(work / "outputs.npz")["logits"], labels))
    print(calotype("bench", snapshot, "--threads", "1"))
    print(calotype("verify", snapshot))
    shutil.rmtree(work)
    print(
        "Your own network: save a few typical inputs by input name, then compile and run.\n"
        "  python -c 'import numpy as np; np.savez(\"samples.npz\", input=my_inputs)'\n"
        "  .venv/bin/calotype explain model.onnx --samples samples.npz\n"
        "  .venv/bin/calotype compile model.onnx --samples samples.npz -o model.snapshot\n"
        "  .venv/bin/calotype run model.snapshot --input samples.npz --output outputs.npz"
    )


if __name__ == "__main__":
    main()
