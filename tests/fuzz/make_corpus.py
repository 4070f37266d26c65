"""Seeds for the fuzz targets: small models, their snapshot, options and samples of every kind.

usage: make_corpus.py FOLDER COMMAND
"""

import io
import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits"
sys.path.insert(0, str(ROOT / "tests" / "cli"))

import hostile_models  # noqa: E402
import models  # noqa: E402
import test_pictures  # noqa: E402


def onnx_seeds() -> dict[str, bytes]:
    seeds = {"conv": models.conv().SerializeToString(), "digits": (DIGITS / "digits.onnx").read_bytes()}
    for name, (make, _) in hostile_models.CASES.items():
        model = make()
        seeds[name] = model if isinstance(model, bytes) else model.SerializeToString()
    return {name: bytes_ for name, bytes_ in seeds.items() if len(bytes_) < 100_000}


def snapshot_seeds(command: str) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        snapshot, model = Path(folder) / "snapshot", Path(folder) / "model.onnx"
        model.write_bytes(models.conv().SerializeToString())
        given = models.samples(Path(folder) / "samples.npz")
        subprocess.run([command, "compile", model, "--samples", given, "-o", snapshot], check=True,
                       stdout=subprocess.DEVNULL)
        networks = json.loads((snapshot / "layers.json").read_text())
        name, network = next(iter(networks.items()))
        spelled = json.dumps(network).replace(f"{name}/", "NPU_0/").encode()
        weights = (snapshot / "weights.safetensors").read_bytes()
        return {
            "manifest": b"m" + (snapshot / "manifest.json").read_bytes(),
            "network": b"n" + spelled + b"\0" + weights,
            "program": b"p" + (snapshot / "program.bin").read_bytes(),
            "golden": b"g" + (snapshot / "golden.safetensors").read_bytes(),
        }


def option_seeds() -> dict[str, bytes]:
    seeds = {path.stem: path.read_bytes() for path in (ROOT / "data" / "npu").glob("*.json")}
    seeds["shape"] = b"-simage=1x3x224x224"
    seeds["images"] = b"-123.7,116.3,103.5\n58.4\n224x224\nnchw\nrgb\n"
    return seeds


def sample_seeds() -> dict[str, bytes]:
    x = np.arange(2 * 2 * 3 * 4, dtype=np.float32).reshape(2, 2, 3, 4)
    seeds = {}
    for name, save in {"npz": np.savez, "npz deflated": np.savez_compressed}.items():
        file = io.BytesIO()
        save(file, x=x, y=x.astype(np.uint8))
        seeds[name] = file.getvalue()
    for name, array in {"float": x, "bool": x > 3, "fortran": np.asfortranarray(x), "scalar": x[0, 0, 0, 0]}.items():
        file = io.BytesIO()
        np.save(file, array)
        seeds[name] = file.getvalue()
        seeds[name + " read as samples"] = file.getvalue() + bytes(1 - len(file.getvalue()) % 2)
    pixels = np.random.default_rng(1).integers(0, 256, (6, 5, 4), np.uint8)
    for kind, channels in ((".png", 1), (".png", 3), (".png", 4), (".jpg", 1), (".jpg", 3)):
        seeds[f"{channels}{kind}"] = cv2.imencode(kind, pixels[..., :channels])[1].tobytes()
    return {**seeds, **{f"{name}.png": data for name, data in test_pictures.PICTURES.items()}, **jpeg_seeds()}


def jpeg_seeds() -> dict[str, bytes]:
    pixels = np.random.default_rng(1).integers(0, 256, (37, 21, 3), np.uint8)
    sampling = {"411": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411, "420": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
                "440": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440, "444": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444}
    options = {f"{name} {kind}": [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor, cv2.IMWRITE_JPEG_PROGRESSIVE, int(kind == "progressive")]
               for name, factor in sampling.items() for kind in ("baseline", "progressive")}
    options["restarts"] = [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]
    options["own tables"] = [cv2.IMWRITE_JPEG_OPTIMIZE, 1, cv2.IMWRITE_JPEG_QUALITY, 30]
    seeds = {f"{name}.jpg": cv2.imencode(".jpg", pixels, given)[1].tobytes() for name, given in options.items()}
    return {**seeds, "turned.jpg": exif(seeds["restarts.jpg"], orientation=6)}


def exif(jpeg: bytes, orientation: int) -> bytes:
    tags = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(tags) + 2) + tags + jpeg[2:]


def main(folder: Path, command: str):
    for target, seeds in {"onnx": onnx_seeds(), "snapshot": snapshot_seeds(command), "options": option_seeds(),
                          "samples": sample_seeds()}.items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for name, content in seeds.items():
            (folder / target / name.replace("/", "_")).write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
