"""Networks of every shape through the command: compiled, run and compared with ONNX Runtime on the model itself."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest

import networks

SAMPLES = 6


@pytest.fixture(scope="module", params=networks.ALL, ids=lambda build: build.__name__)
def case(request, tmp_path_factory):
    model, devices = request.param()
    folder = tmp_path_factory.mktemp(request.param.__name__)
    onnx.save(model, folder / "model.onnx")
    arrays = networks.samples(model, SAMPLES)
    np.savez(folder / "samples.npz", **arrays)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    fixed = isinstance(session.get_inputs()[0].shape[0], int) and session.get_inputs()[0].shape[0] > 0
    step = session.get_inputs()[0].shape[0] if fixed else SAMPLES  # a fixed batch is run batch by batch
    runs = [session.run(None, {k: v[i:i + step] for k, v in arrays.items()}) for i in range(0, step * SAMPLES if fixed else SAMPLES, step)]
    names = [o.name for o in session.get_outputs()]
    return folder, dict(zip(names, (np.concatenate(parts) for parts in zip(*runs)))), devices


def outputs(calotype, folder, *options):
    snapshot = folder / "snapshot"
    made = calotype("compile", folder / "model.onnx", "--samples", folder / "samples.npz", "-o", snapshot, *options)
    assert made.code == 0, made.stderr
    ran = calotype("run", snapshot, "--input", folder / "samples.npz", "--output", folder / "y.npz")
    assert ran.code == 0, ran.stderr
    return dict(np.load(folder / "y.npz"))


def snr_db(expected, actual):
    noise = np.square(actual.astype(np.float64) - expected).sum()
    return 10 * np.log10(np.square(expected.astype(np.float64)).sum() / max(noise, 1e-30))


def test_without_an_npu_nothing_changes(calotype, case):
    folder, expected, _ = case
    actual = outputs(calotype, folder, "--npu", "none")
    assert actual.keys() == expected.keys()
    for name, y in expected.items():
        assert actual[name].shape == y.shape and actual[name].dtype == y.dtype, name
        # float32 sums in another order
        assert np.abs(actual[name] - y).max() <= 1e-5 * np.abs(y).max(), name


def test_on_the_npu_within_quantization_noise(calotype, case):
    folder, expected, _ = case
    actual = outputs(calotype, folder)
    assert actual.keys() == expected.keys()
    for name, y in expected.items():
        assert actual[name].shape == y.shape and actual[name].dtype == y.dtype, name
        # 8 bits are 40 dB and more a layer; up to ten layers, of random weights that nothing averages out
        assert snr_db(y, actual[name]) > 24, name
    assert calotype("verify", folder / "snapshot").code == 0


def test_the_subgraphs_are_where_they_belong(calotype, case):
    folder, _, devices = case
    told = calotype("explain", folder / "model.onnx", "--samples", folder / "samples.npz", "--json")
    assert told.code == 0, told.stderr
    if devices is not None:
        assert [part["device"] for part in json.loads(told.stdout)["subgraphs"]] == devices


def test_the_comparison_sees_a_wrong_output():
    y = np.ones((2, 3), np.float32)
    assert snr_db(y, y + np.float32(0.001)) > 24 > snr_db(y, y[:, ::-1] * np.float32([1, 1.2, 1]))
