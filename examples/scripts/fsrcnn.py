"""Super-resolution with ONNX Runtime: images of many sizes, twice as large, PSNR of the luma.

usage: python3 fsrcnn.py fsrcnn_x2.onnx FOLDER      with img_*_LR.png and img_*_HR.png
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

BORDER = 2  # pixels that are not scored


def luma(path: Path) -> np.ndarray:
    rgb = np.asarray(Image.open(path).convert("RGB"), np.float64)
    return ((16 + rgb @ [65.481, 128.553, 24.966] / 255) / 255).astype(np.float32)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    inner = (slice(BORDER, -BORDER), slice(BORDER, -BORDER))
    return -10 * np.log10(np.mean((a[inner].astype(np.float64) - b[inner]) ** 2))


def main():
    session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    scores = []
    for small in sorted(Path(sys.argv[2]).glob("img_*_LR.png")):
        large = luma(small.with_name(small.name.replace("LR", "HR")))
        (made,) = session.run(None, {name: luma(small)[None, None]})
        made = np.clip(made[0, 0], 0, 1)
        height, width = (min(sizes) for sizes in zip(made.shape, large.shape))
        scores.append(psnr(made[:height, :width], large[:height, :width]))
        print(f"{small.name}: {made.shape[1]} x {made.shape[0]}, {scores[-1]:.2f} dB")
    print(f"PSNR {np.mean(scores):.2f} dB, mean of {len(scores)} images")


if __name__ == "__main__":
    main()
