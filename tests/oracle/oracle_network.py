"""Reads a snapshot's layers.json and weights.safetensors and runs a network layer by layer."""

import json
from pathlib import Path

import numpy as np

from oracle_layers import KINDS, as_map

SAFETENSORS_TYPES = {"I8": np.int8, "I16": np.int16, "I32": np.int32, "I64": np.int64, "F32": np.float32, "F64": np.float64,
                     "U8": np.uint8}


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    content = path.read_bytes()
    header_bytes = int.from_bytes(content[:8], "little")
    header = json.loads(content[8:8 + header_bytes])
    body = content[8 + header_bytes:]
    return {name: np.frombuffer(body[entry["data_offsets"][0]:entry["data_offsets"][1]],
                                SAFETENSORS_TYPES[entry["dtype"]]).reshape(entry["shape"])
            for name, entry in header.items() if name != "__metadata__"}


def _resolved(value, tensors):
    """JSON with each {"tensor": key} replaced by the array it names and short vectors of a layer as arrays."""
    if isinstance(value, dict):
        if set(value) == {"tensor"}:
            return tensors[value["tensor"]]
        return {key: _resolved(item, tensors) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, tensors) for item in value]
    return {"inf": np.inf, "-inf": -np.inf}.get(value, value) if isinstance(value, str) else value


def networks(snapshot: Path) -> dict[str, dict]:
    """The NPU subgraphs' networks by name (`NPU_0`), in order of execution."""
    tensors = read_safetensors(snapshot / "weights.safetensors")
    content = _resolved(json.loads((snapshot / "layers.json").read_text()), tensors)
    found = {name: content[name] for name in sorted(content, key=lambda name: int(name.rpartition("_")[2]))}
    for network in found.values():
        for layer in network["layers"]:
            layer["weights"] = np.array(layer["weights"], np.int64)
            layer["bias"] = np.array(layer["bias"], np.int64)
    return found


def placed(value: np.ndarray, placement: dict, shape) -> np.ndarray:
    """A graph value [N, ...] in a tensor's memory order: [N, D, H, W, C]."""
    split = value.reshape(len(value), *placement["split"])
    return split.transpose(0, *(axis + 1 for axis in placement["axes"])).reshape(len(value), *as_map(shape))


def taken(tensor: np.ndarray, placement: dict) -> np.ndarray:
    """The inverse: a tensor as the graph value it holds."""
    ordered = tensor.reshape(len(tensor), *(placement["split"][axis] for axis in placement["axes"]))
    back = np.argsort(placement["axes"])
    return ordered.transpose(0, *(int(axis) + 1 for axis in back)).reshape(len(tensor), *placement["dims"][1:])


def run(network: dict, inputs: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
    """Codes of the input values (as the graph lays them out) to codes of the output values, and every layer's output."""
    codes = {}
    for placement in network["inputs"]:
        tensor = network["tensors"][placement["tensor"]]
        codes[placement["tensor"]] = placed(inputs[placement["value"]], placement, tensor["shape"])
    batch = len(next(iter(codes.values())))
    for index, tensor in enumerate(network["tensors"]):
        if len(tensor.get("constant", ())) > 0:  # every sample reads the same
            one = np.array(tensor["constant"], np.int8).reshape(1, *as_map(tensor["shape"]))
            codes[index] = np.repeat(one, batch, axis=0)
    made = []
    for layer in network["layers"]:
        tensors = [network["tensors"][i] for i in layer["inputs"]]
        output = network["tensors"][layer["output"]]
        result = KINDS[layer["kind"]](layer, [codes[i] for i in layer["inputs"]], [t["quantization"] for t in tensors],
                                      output)
        assert result.shape[1:] == tuple(as_map(output["shape"])), f"layer `{layer['name']}`: {result.shape}"
        codes[layer["output"]] = result
        made.append(result)
    return {p["value"]: taken(codes[p["tensor"]], p) for p in network["outputs"]}, made
