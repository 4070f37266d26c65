"""Writes the random cases with the oracle's answers: python oracle_cases.py. tests/emulate/oracle_test.cpp runs them."""

import json
import sys
from pathlib import Path

import numpy as np

import oracle_network
import random_layers

FOLDER = Path(__file__).resolve().parent / "cases"
TYPES = {np.dtype(np.int8): "I8", np.dtype(np.int32): "I32", np.dtype(np.int16): "I16", np.dtype(np.float32): "F32",
         np.dtype(np.float64): "F64", np.dtype(np.int64): "I64"}
INLINE_NUMBERS = 16  # longer vectors lie in the safetensors file, as in a snapshot
VECTORS = {"weights": np.int8, "bias": np.int32, "weight_scale": np.float32, "pool_channel_k": np.float64,
           "scale": np.float32, "zero_point": np.int32, "m": np.float32, "lo": np.int32, "hi": np.int32, "m16": np.float32,
           "breakpoints": np.int8, "slope": np.int16, "intercept": np.int16, "channel_m": np.int16, "ma": np.int16,
           "mb": np.int16, "channel_zero_point": np.int32, "channel_lo": np.int32, "channel_hi": np.int32,
           "source": np.int64}


def safetensors(tensors: dict[str, np.ndarray]) -> bytes:
    header, offset = {}, 0
    for name in sorted(tensors):
        end = offset + tensors[name].nbytes
        header[name] = {"dtype": TYPES[tensors[name].dtype], "shape": list(tensors[name].shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(tensors[name].tobytes() for name in sorted(tensors))


def _with_blobs(value, path, tensors, key=""):
    if isinstance(value, dict):
        return {name: _with_blobs(item, f"{path}/{name}", tensors, name) for name, item in value.items()}
    if isinstance(value, np.ndarray) or (isinstance(value, list) and key in VECTORS):
        if len(value) > INLINE_NUMBERS:
            tensors[path] = np.asarray(value, VECTORS[key])
            return {"tensor": path}
        return value.tolist() if isinstance(value, np.ndarray) else value
    if isinstance(value, list):
        return [_with_blobs(item, f"{path}/{i}", tensors) for i, item in enumerate(value)]
    return value


def answer(network: dict, codes: list[np.ndarray]) -> np.ndarray:
    inputs = {p["value"]: x[None].astype(np.int64) for p, x in zip(network["inputs"], codes)}
    outputs, _ = oracle_network.run(network, inputs)
    result = outputs["y"][0]
    assert result.min() >= -128 and result.max() <= 127
    return result.astype(np.int8)


def files(most: int | None = None) -> dict[str, bytes]:
    """Name to content of the two files."""
    tensors, listed = {}, []
    for i, (name, network, codes) in enumerate(random_layers.cases(most)):
        for j, x in enumerate(codes):
            tensors[f"{i}/input/{j}"] = x
        tensors[f"{i}/output"] = answer(network, codes)
        listed.append({"name": name, "network": _with_blobs(network, str(i), tensors)})
    # one case a line: the file stays small, and a changed case is one changed line
    text = "[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in listed) + "\n]\n"
    return {"cases.json": text.encode(), "cases.safetensors": safetensors(tensors)}


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(exist_ok=True)
    for file_name, content in files(int(sys.argv[2]) if len(sys.argv) > 2 else None).items():
        (folder / file_name).write_bytes(content)
