"""The scripts of examples/scripts, unchanged, alone and on the NPU."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from script_runner import ROOT, package_folder

EXAMPLES = ROOT / "examples" / "scripts"
SHIM = Path(__file__).parent / "torchvision_shim"


@pytest.fixture(scope="session")
def data() -> Path:
    folder = Path(os.environ.get("CALOTYPE_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no data: {folder} is absent")
    return folder


def figure(run, word: str) -> float:
    return float(re.search(rf"{word} ([0-9.]+)", run.stdout)[1])


def test_pytorch_classification(script, data):
    arguments = (EXAMPLES / "cifar10_resnet20.py", data / "cifar10/resnet20-12fca82f.th", data / "cifar10/test.bin",
                 "--images", 300, "--batch", 25)  # fmt: skip
    fp32 = figure(script.ok(*arguments, hook=False), "top-1")
    run = script.ok(*arguments)
    assert run.samples() == (25, 275), run.stderr
    assert abs(figure(run, "top-1") - fp32) <= 1  # 3 of 300 images, measured 1
    again = script.ok(*arguments, "--workers", 2)
    assert again.samples() == (0, 300) and abs(figure(again, "top-1") - fp32) <= 1


def test_onnx_runtime_detection(script, data):
    arguments = (EXAMPLES / "yolox_nano.py", data / "coco/yolox_nano.onnx", data / "coco/val2017",
                 data / "coco/labels_val2017", "--count", 24)  # fmt: skip
    fp32 = figure(script.ok(*arguments, hook=False), "mAP")
    run = script.ok(*arguments)
    assert run.samples() == (4, 20) and "1x3x416x416 UINT8" in run.report, run.stderr
    assert figure(run, "mAP") > fp32 - 1.5  # measured 0.3: one box more or less of so few images is several tenths


def test_onnx_runtime_super_resolution_of_many_sizes(script, data):
    arguments = (EXAMPLES / "fsrcnn.py", data / "super_resolution/fsrcnn_x2.onnx", data / "super_resolution/Set14_x2")
    fp32 = figure(script.ok(*arguments, hook=False), "PSNR")
    run = script.ok(*arguments)
    assert run.samples() == (4, 10), run.stderr
    assert figure(run, "PSNR") > fp32 - 0.4  # dB, measured 0.23


# The model and the images of the documentation's loop: of a fixed seed, in several sizes.
GENERATE = """
import numpy as np, torch
from pathlib import Path
from PIL import Image
from torchvision.models import resnet50

torch.manual_seed(0)
torch.save(resnet50(weights=None).state_dict(), "resnet50.pth")
random = np.random.default_rng(0)
for i in range(10):
    folder = Path(f"images/class{i % 3}")
    folder.mkdir(parents=True, exist_ok=True)
    coarse = Image.fromarray(random.integers(0, 256, (7, 7, 3), dtype=np.uint8))
    coarse.resize([(224, 224), (192, 256), (256, 192)][i % 3], Image.BICUBIC).save(folder / f"{i}.png")
"""
# What the script itself does not print: its outputs, beside those of the model in eval mode.
OUTPUTS = """
import sys
sys.argv = ["resnet50_folder.py", "resnet50.pth", "images"]
source = open(EXAMPLE).read().replace("out = model(x)", "out = model(x); outputs.append(out.detach().numpy()[0])")
outputs = []
exec(compile(source, EXAMPLE, "exec"))
import numpy as np
np.save(OUTPUT, outputs)
"""


def test_the_documentations_loop(script):
    """Neither eval() nor no_grad(), images of several sizes. Weights are random: agreement and noise are shown."""
    script.ok(GENERATE, hook=False, PYTHONPATH=SHIM)
    example = str(EXAMPLES / "resnet50_folder.py")
    text = OUTPUTS.replace("EXAMPLE", repr(example))
    reference = text.replace("OUTPUT", "'fp32.npy'").replace('"out = model(x); ', '"out = model.eval()(x); ')
    script.ok(reference, hook=False, PYTHONPATH=SHIM)
    hooked = f"{package_folder() / 'hook' / 'site'}{os.pathsep}{SHIM}"
    run = script.ok(text.replace("OUTPUT", "'npu.npy'"), PYTHONPATH=hooked)
    assert run.samples() == (4, 6), run.stderr
    assert "call model.eval()" in run.stderr
    fp32, npu = (np.load(script.folder / name)[4:] for name in ("fp32.npy", "npu.npy"))
    snr_db = 10 * np.log10(np.sum(fp32**2) / np.sum((fp32 - npu) ** 2))
    agreement = np.mean(fp32.argmax(1) == npu.argmax(1))
    print(f"top-1 agreement {agreement:.0%}, output SNR {snr_db:.1f} dB")
    assert snr_db > 29  # measured 32.3
