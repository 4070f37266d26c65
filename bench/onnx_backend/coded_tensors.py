"""The NPU parts of a snapshot, with every tensor's scales and zero points."""

import json
from pathlib import Path

import numpy as np

TYPES = {"F32": np.float32, "I32": np.int32}


def networks_of(snapshot: Path) -> dict[str, dict]:
    """What layers.json holds. Long vectors lie in weights.safetensors: those of the tensors' quantization are read."""
    networks = json.loads((snapshot / "layers.json").read_text())
    content = (snapshot / "weights.safetensors").read_bytes()
    body = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:body])
    for network in networks.values():
        for tensor in network["tensors"]:
            quantization = tensor["quantization"]
            for key, vector in quantization.items():
                if isinstance(vector, dict):
                    entry = header[vector["tensor"]]
                    first, end = (body + offset for offset in entry["data_offsets"])
                    quantization[key] = np.frombuffer(content[first:end], TYPES[entry["dtype"]]).tolist()
    return networks
