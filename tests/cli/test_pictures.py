"""PNG files of every kind give the network the values that OpenCV reads from them."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from conftest import Command
from onnx import TensorProto, helper

HEIGHT, WIDTH = 13, 11
GRAY, RGB, PALETTE, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGBA: 4}
ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed_rows(values: np.ndarray, depth: int) -> bytes:
    """[height, width, channels], each row behind the filter byte 0."""
    bits = np.unpackbits(values.astype(">u2").view(np.uint8).reshape(*values.shape, 2), axis=-1)[..., 16 - depth:]
    rows = np.packbits(bits.reshape(len(values), -1), axis=1)
    return b"".join(b"\0" + row.tobytes() for row in rows)


def png(color: int, depth: int, *extra: tuple[bytes, bytes], interlaced: bool = False) -> bytes:
    """A picture of noise, with these chunks before its pixels."""
    noise = np.random.default_rng(100 * color + depth)
    values = noise.integers(0, 1 << depth, (HEIGHT, WIDTH, CHANNELS[color]))
    passes = [values[y::dy, x::dx] for y, x, dy, dx in ADAM7] if interlaced else [values]
    rows = b"".join(packed_rows(part, depth) for part in passes)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, color, 0, 0, interlaced)), *extra,
              (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


def palette(depth: int) -> tuple[bytes, bytes]:
    return b"PLTE", np.random.default_rng(depth).bytes(3 << depth)


GAMMA = (b"gAMA", struct.pack(">I", 100000))  # linear light
PICTURES = {
    "gray 1": png(GRAY, 1),
    "gray 2": png(GRAY, 2),
    "gray 4": png(GRAY, 4),
    "gray 8": png(GRAY, 8),
    "gray 16": png(GRAY, 16),
    "gray 8, one value transparent": png(GRAY, 8, (b"tRNS", struct.pack(">H", 7))),
    "gray 8 of linear light": png(GRAY, 8, GAMMA),
    "gray 8 with alpha": png(GRAY_ALPHA, 8),
    "gray 16 with alpha": png(GRAY_ALPHA, 16),
    "RGB 8": png(RGB, 8),
    "RGB 16": png(RGB, 16),
    "RGB 8 of linear light": png(RGB, 8, GAMMA),
    "RGB 16 of linear light": png(RGB, 16, GAMMA),
    "RGBA 8": png(RGBA, 8),
    "RGBA 16": png(RGBA, 16),
    "palette of 2": png(PALETTE, 1, palette(1)),
    "palette of 256": png(PALETTE, 8, palette(8)),
    "palette of linear light": png(PALETTE, 8, GAMMA, palette(8)),
    "palette with alpha": png(PALETTE, 4, palette(4), (b"tRNS", bytes(range(0, 160, 10)))),
    "gray 1, interlaced": png(GRAY, 1, interlaced=True),
    "RGB 8, interlaced": png(RGB, 8, interlaced=True),
    "RGB 16, interlaced": png(RGB, 16, interlaced=True),
    "palette, interlaced": png(PALETTE, 4, palette(4), interlaced=True),
}


@pytest.mark.parametrize("channels, flag", [("bgr", cv2.IMREAD_COLOR), ("gray", cv2.IMREAD_GRAYSCALE)])
def test_values_are_those_of_opencv(calotype: Command, tmp_path: Path, channels: str, flag: int):
    planes = 1 if channels == "gray" else 3
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, planes, HEIGHT, WIDTH])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, planes, HEIGHT, WIDTH])])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, data in PICTURES.items():
        (folder / f"{name}.png").write_bytes(data)
    made = calotype("compile", tmp_path / "m.onnx", "--samples", folder, "-o", tmp_path / "s", "--npu", "none",
                    "--channels", channels)
    assert made.code == 0, made.stderr
    ran = calotype("run", tmp_path / "s", "--input", folder, "--output", tmp_path / "found")
    assert ran.code == 0, ran.stderr
    unlike = {}
    for name in PICTURES:
        wanted = cv2.imread(str(folder / f"{name}.png"), flag).reshape(HEIGHT, WIDTH, planes).transpose(2, 0, 1)
        found = np.load(tmp_path / "found" / f"{name}.npy")[0]
        if not np.array_equal(found, wanted):
            unlike[name] = np.abs(found - wanted).max()
    assert not unlike
