"""Whole networks: the oracle against `calotype run`, bit for bit, with the reference and with the fast kernels."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

import oracle_arithmetic
import oracle_network

ROOT = Path(__file__).resolve().parents[2]
COMMAND = os.environ.get("CALOTYPE_COMMAND") or ROOT / ".venv/bin/calotype"
DATA = Path(os.environ.get("CALOTYPE_DATA") or ROOT.parent / "shared/data")
SAMPLES = 12


def calotype(*arguments):
    done = subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def digits():
    """The bundled network and its test images."""
    folder = ROOT / "examples/digits"
    model = sorted(folder.glob("*.onnx"))[0]
    arrays = sorted(folder.glob("*.npz"))[0]
    import onnx
    shape = [d.dim_value for d in onnx.load(model).graph.input[0].type.tensor_type.shape.dim][1:]
    with np.load(arrays) as content:
        for values in content.values():
            if list(values.shape[1:]) == shape:
                return model, values.astype(np.float32)
    pytest.fail(f"{arrays} holds no images of shape {shape}")


def resnet20():
    """CIFAR-10 images, normalized as the network was trained."""
    if not DATA.is_dir():
        pytest.skip(f"no data: {DATA} is absent")
    pixels = np.fromfile(DATA / "cifar10/test.bin", np.uint8).reshape(-1, 3073)[:100, 1:].reshape(-1, 3, 32, 32)
    mean, std = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    return DATA / "cifar10/resnet20_cifar10.onnx", (pixels / np.float32(255) - mean[:, None, None]) / std[:, None, None]


def constant_maps():
    """One joined, one added, one that multiplies all channels of a pixel, one that multiplies each."""
    import onnx
    from onnx import helper, numpy_helper
    random = np.random.default_rng(6)
    arrays = {"w1": (8, 3, 3, 3), "w2": (8, 10, 1, 1), "w3": (4, 8, 1, 1), "joined": (1, 2, 9, 7), "added": (8, 9, 7),
              "pixels": (9, 7), "each": (1, 8, 9, 7)}
    nodes = [("Conv", "x w1", "a", {"pads": [1] * 4}), ("Concat", "a joined", "b", {"axis": 1}), ("Conv", "b w2", "c", {}),
             ("Add", "c added", "d", {}), ("Mul", "d pixels", "e", {}), ("Mul", "each e", "f", {}), ("Conv", "f w3", "y", {})]
    tensor = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node(op, inputs.split(), [output], **attributes) for op, inputs, output, attributes in nodes], "g",
        [tensor("x", onnx.TensorProto.FLOAT, ["N", 3, 9, 7])], [tensor("y", onnx.TensorProto.FLOAT, ["N", 4, 9, 7])],
        [numpy_helper.from_array(random.normal(size=dims).astype(np.float32), name) for name, dims in arrays.items()])
    model = Path(tempfile.mkdtemp()) / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), model)
    return model, random.normal(size=(16, 3, 9, 7)).astype(np.float32)


@pytest.mark.parametrize("network", [digits, resnet20, constant_maps])
def test_a_network_gives_the_same_bits(network, tmp_path):
    model, samples = network()
    snapshot = tmp_path / "snapshot"
    np.save(tmp_path / "samples.npy", samples[-4:])
    inputs = np.ascontiguousarray(samples[:SAMPLES])
    np.save(tmp_path / "inputs.npy", inputs)
    calotype("compile", model, "--samples", tmp_path / "samples.npy", "-o", snapshot)

    expected = oracle_outputs(snapshot, inputs)
    for kernels in ("reference", "auto"):
        calotype("run", snapshot, "--input", tmp_path / "inputs.npy", "--output", tmp_path / "out.npz", "--kernels", kernels)
        with np.load(tmp_path / "out.npz") as outputs:
            for name, values in expected.items():
                assert outputs[name].tobytes() == values.tobytes(), f"{network.__name__}, {kernels}: output `{name}` differs"


def oracle_outputs(snapshot, inputs):
    manifest = json.loads((snapshot / "manifest.json").read_text())
    [network] = oracle_network.networks(snapshot).values()  # networks that run whole on the NPU
    inputs_by_name = {port["name"]: oracle_arithmetic.to_codes(inputs, one_scale(port)) for port in manifest["inputs"]}
    results, _ = oracle_network.run(network, inputs_by_name)
    return {port["name"]: oracle_arithmetic.to_reals(results[port["name"]], one_scale(port)) for port in manifest["outputs"]}


def one_scale(port):
    return {**port, "scale": port["scale"][0], "zero_point": port["zero_point"][0]}
