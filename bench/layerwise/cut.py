"""wrp_network_iriz.onnx cut at every tensor: each layer reads codes that are handed in, and its own codes come out."""

import json
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import TensorProto, helper


@dataclass
class CutLayer:
    """A layer of an NPU subgraph, and the value of the view that holds its codes."""

    part: str
    name: str
    kind: str
    tensor: int
    codes: str


@dataclass
class Cut:
    """The cut model. `handed_in` maps its new inputs to (part, tensor id); tensors that no layer makes are left to the
    view's own QuantizeLinear."""

    model: onnx.ModelProto
    layers: list[CutLayer]
    handed_in: dict[str, tuple[str, int]]


def cut(snapshot: Path) -> Cut:
    model = onnx.load(snapshot / "wrp_network_iriz.onnx")
    networks = json.loads((snapshot / "layers.json").read_text())
    codes = {}  # value -> (part, tensor id)
    for entry in model.metadata_props:
        part, _, tensor = entry.key.partition("/codes/")
        if tensor:
            codes[entry.value] = (part, int(tensor))
    made = {(part, layer["output"]) for part, network in networks.items() for layer in network["layers"]}
    codes = {name: place for name, place in codes.items() if place in made}
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            if name in codes:
                node.input[i] = name + "/handed_in"
    for name in codes:
        model.graph.input.append(helper.make_tensor_value_info(name + "/handed_in", TensorProto.INT8, None))
        model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.INT8, None))
    names = {place: name for name, place in codes.items()}
    layers = [CutLayer(part, layer["name"], _kind(layer), layer["output"], names[(part, layer["output"])])
              for part, network in networks.items() for layer in network["layers"]]
    return Cut(model, layers, {name + "/handed_in": place for name, place in codes.items()})


def _kind(layer: dict) -> str:
    if layer["kind"] == "Pool":
        return {"max": "MaxPool", "average": "AveragePool"}[layer["attributes"]["kind"]]
    return layer["kind"]
