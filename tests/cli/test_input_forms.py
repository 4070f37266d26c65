"""Inputs as scripts have them: bytes that the network scales itself, a picture without a batch, frames beside it."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto

from networks import FLOAT, Network
from test_networks import snr_db

SAMPLES = 6


def bytes_channels_last():
    n = Network()
    x = n.node("Cast", n.input("x", ["N", 40, 40, 3], TensorProto.UINT8), to=FLOAT)
    x = n.node("Sub", x, n.constant(np.float32([123.7, 116.3, 103.5])))
    x = n.node("Div", x, n.constant(np.float32([58.4, 57.1, 57.4])))
    n.output(n.head(n.body(n.node("Transpose", x, perm=[0, 3, 1, 2]), 3)), "y")
    return n.model(), ["NPU"]


def bytes_turned_first():
    n = Network()
    x = n.node("Transpose", n.input("x", ["N", 40, 40, 3], TensorProto.UINT8), perm=[0, 3, 1, 2])
    x = n.node("Mul", n.node("Cast", x, to=FLOAT), n.constant(np.float32(1 / 255)))
    n.output(n.head(n.body(x, 3)), "y")
    return n.model(), ["NPU"]


def a_picture_without_a_batch():
    n = Network()
    x = n.node("Unsqueeze", n.input("x", [3, 40, 40]), n.constant(np.array([0])))
    y = n.conv(n.body(x, 3), 64, 4, 1)
    n.output(n.node("Squeeze", y, n.constant(np.array([0]))), "y")
    return n.model(), ["CPU", "NPU", "CPU"]


def frames_in_the_batch():
    n = Network()
    x = n.node("Reshape", n.input("x", [1, 5, 3, 40, 40]), n.constant(np.array([5, 3, 40, 40])))
    pooled = n.node("Flatten", n.node("GlobalAveragePool", n.body(x, 3)))
    frames = n.node("Reshape", pooled, n.constant(np.array([1, 5, 64])))
    n.output(n.node("ReduceMean", frames, axes=[1], keepdims=0), "y")
    return n.model(), ["CPU", "NPU", "CPU"]


@pytest.fixture(scope="module", params=[bytes_channels_last, bytes_turned_first, a_picture_without_a_batch,
                                        frames_in_the_batch], ids=lambda build: build.__name__)
def case(request, tmp_path_factory):
    model, devices = request.param()
    folder = tmp_path_factory.mktemp(request.param.__name__)
    onnx.save(model, folder / "model.onnx")
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    dims = [dim if isinstance(dim, int) else 1 for dim in given.shape]
    random = np.random.default_rng(4)
    if given.type == "tensor(uint8)":
        samples = [random.integers(0, 256, dims).astype(np.uint8) for _ in range(SAMPLES)]
    else:
        samples = [random.normal(size=dims).astype(np.float32) for _ in range(SAMPLES)]
    np.savez(folder / "samples.npz", x=(np.concatenate if dims[0] == 1 else np.stack)(samples))
    # A file holds the samples' outputs one behind the other along axis 0.
    return folder, np.concatenate([session.run(None, {"x": x})[0] for x in samples]), devices


def test_it_is_on_the_npu_and_what_onnx_runtime_gives(calotype, case):
    folder, expected, devices = case
    told = calotype("explain", folder / "model.onnx", "--samples", folder / "samples.npz", "--json")
    assert told.code == 0, told.stderr
    told = json.loads(told.stdout)
    assert [part["device"] for part in told["subgraphs"]] == devices
    assert told["totals"]["npu_share"] == 1
    made = calotype("compile", folder / "model.onnx", "--samples", folder / "samples.npz", "-o", folder / "snapshot")
    assert made.code == 0, made.stderr
    ran = calotype("run", folder / "snapshot", "--input", folder / "samples.npz", "--output", folder / "y.npz")
    assert ran.code == 0, ran.stderr
    y = np.load(folder / "y.npz")["y"]
    assert y.shape == expected.shape and y.dtype == expected.dtype
    assert snr_db(expected, y) > 24  # 8 bits, four layers of random weights
    verified = calotype("verify", folder / "snapshot")
    assert verified.code == 0, verified.stdout


def test_what_is_predicted_counts_every_sample_that_a_value_holds(calotype, tmp_path):
    latencies = []
    for batch in 1, 4:
        n = Network()
        n.output(n.body(n.input("x", [batch, 3, 40, 40]), 3), "y")
        onnx.save(n.model(), tmp_path / "model.onnx")
        told = json.loads(calotype("explain", tmp_path / "model.onnx", "--json").stdout)["totals"]
        latencies.append(told["npu_us"])
    assert latencies[1] == pytest.approx(4 * latencies[0])


def test_a_batch_of_more_than_a_million_rows(calotype, tmp_path):
    """The reader of a snapshot takes every batch that a tensor can have."""
    n = Network()
    x = n.input("x", [1_100_000, 4])
    n.output(n.node("Relu", n.node("MatMul", x, n.constant(np.eye(4, dtype=np.float32)))), "y")
    onnx.save(n.model(), tmp_path / "m.onnx")
    rows = np.tile(np.float32([1, 2, 3, 4]), (1_100_000, 1))
    np.save(tmp_path / "x.npy", rows)
    assert calotype("compile", tmp_path / "m.onnx", "--samples", tmp_path / "x.npy", "-o", tmp_path / "s").code == 0
    ran = calotype("run", tmp_path / "s", "--input", tmp_path / "x.npy", "--output", tmp_path / "y.npy")
    assert ran.code == 0, ran.stderr
    assert snr_db(rows, np.load(tmp_path / "y.npy")) > 35  # 8 bits
