"""The Python module: the same bits as the command, arrays in and out, errors as exceptions."""

import ast
import inspect
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import calotype
import numpy as np
import pytest

COMMAND = os.environ.get("CALOTYPE_COMMAND") or Path(__file__).parents[2] / ".venv/bin/calotype"
DIGITS = Path(__file__).parents[2] / "examples" / "digits"
IMAGES = np.load(DIGITS / "test.npz")["image"]
LABELS = np.load(DIGITS / "test_labels.npz")["label"]
CALIBRATION = np.load(DIGITS / "calibration.npz")["image"]


def compiled(path: Path, samples) -> "calotype.Snapshot":
    return calotype.compile(DIGITS / "digits.onnx", samples, path)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("python") / "digits.snapshot", [{"image": x[None]} for x in CALIBRATION])


def files(path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in Path(path).iterdir()}


def test_arrays_and_files_give_the_same_snapshot(snapshot, tmp_path):
    assert files(compiled(tmp_path / "s", DIGITS / "calibration.npz")) == files(snapshot)


def test_digits_are_recognized(snapshot):
    runner = calotype.Runner(snapshot, threads=2)
    assert runner.inputs == [("image", "float32", [-1, 1, 8, 8])]
    logits = runner.run({"image": IMAGES})["logits"]
    assert logits.shape == (450, 10) and logits.dtype == np.float32
    assert np.mean(logits.argmax(1) == LABELS) > 0.97


def test_threads_kernels_batch_and_layout_change_no_bit(snapshot):
    wanted = calotype.Runner(snapshot, threads=1, kernels="reference").run({"image": IMAGES})["logits"]
    runner = calotype.Runner(snapshot, threads=2)
    assert np.array_equal(runner.run({"image": IMAGES})["logits"], wanted)
    assert np.array_equal(runner.run({"image": np.asfortranarray(IMAGES)})["logits"], wanted)
    one_by_one = [runner.run({"image": IMAGES[i : i + 1]})["logits"] for i in range(20)]
    assert np.array_equal(np.concatenate(one_by_one), wanted[:20])


def test_other_python_threads_go_on_meanwhile(snapshot):
    runner = calotype.Runner(snapshot, threads=1, kernels="reference")
    worker = threading.Thread(target=runner.run, args=({"image": IMAGES},))
    worker.start()
    steps = 0
    while worker.is_alive():
        steps += 1
        time.sleep(0.0005)
    assert steps > 3


@pytest.mark.parametrize(
    ("inputs", "code"),
    [({}, "INPUT_MISSING"), ({"image": IMAGES, "more": IMAGES}, "INPUT_UNKNOWN"), ({"image": IMAGES[:, :, :7]}, "INPUT_SHAPE"),
     ({"image": np.array([["a"]])}, "INPUT_TYPE"), ({"image": IMAGES.astype(np.float64)}, "INPUT_TYPE"),
     ({"image": IMAGES.astype(np.int8)}, "INPUT_TYPE"), ({"image": IMAGES.astype(np.float16)}, "INPUT_TYPE")],
)
def test_errors_carry_their_code(snapshot, inputs, code):
    with pytest.raises(calotype.Error) as caught:
        calotype.Runner(snapshot).run(inputs)
    assert caught.value.code == code and code in str(caught.value)


def test_bad_samples(tmp_path):
    for samples in ([], [{"picture": CALIBRATION[:1]}], [{"image": CALIBRATION}], [{}], [3]):
        with pytest.raises(calotype.Error, match="SAMPLE"):
            compiled(tmp_path / "s", samples)
    assert list(tmp_path.iterdir()) == []


def test_verify_and_inspect(snapshot):
    checks = calotype.verify(snapshot)
    assert checks and all(passed for _, passed, _ in checks), checks
    told = calotype.inspect(snapshot)
    assert told["inputs"][0]["name"] == "image" and told["report"] == snapshot.report


@pytest.mark.parametrize("op", ["Sigmoid", "LeakyRelu", "Tanh", "Relu"])
def test_an_activation_alone_is_within_two_steps(tmp_path, op):
    """Its sums are its input: a bias that made their mean the output's would move everything by ten steps and more."""
    from onnx import TensorProto, helper

    ports = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 8, 8])] for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node(op, ["x"], ["y"])], "g", *ports)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    x = np.random.default_rng(0).standard_normal((1, 3, 8, 8)).astype(np.float32)
    exact = {"Sigmoid": 1 / (1 + np.exp(-x)), "LeakyRelu": np.where(x > 0, x, 0.01 * x), "Tanh": np.tanh(x),
             "Relu": np.maximum(x, 0)}[op]
    calotype.compile(tmp_path / "m.onnx", [{"x": x}], tmp_path / "s", images=1)
    y = calotype.Runner(tmp_path / "s").run({"x": x})["y"]
    scales = calotype.inspect(tmp_path / "s")
    assert np.abs(y - exact).max() <= 2 * scales["outputs"][0]["scale"] + scales["inputs"][0]["scale"]


def test_samples_and_inputs_of_any_size(tmp_path):
    from onnx import TensorProto, helper, numpy_helper

    ports = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3, "h", "w"])] for name in ("x", "y")]
    random = np.random.default_rng(0)
    weights = numpy_helper.from_array(random.standard_normal((3, 3, 3, 3)).astype(np.float32), "w")
    graph = helper.make_graph([helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])], "g", *ports, [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    images = [random.standard_normal((1, 3, *size)).astype(np.float32) for size in ((8, 8), (9, 20), (16, 5))]
    calotype.compile(tmp_path / "m.onnx", [{"x": x} for x in images], tmp_path / "s", shapes=[("x", (1, 3, 7, 7))])
    made_for = calotype.inspect(tmp_path / "s")["inputs"][0]["made_for"]
    assert made_for == [[1, 3, 8, 8], [1, 3, 7, 7]]
    runner = calotype.Runner(tmp_path / "s")
    for x in images:
        y = runner.run({"x": x})["y"]
        assert y.shape == x.shape
        whole = runner.run({"x": np.concatenate([x, x])})["y"]
        assert np.array_equal(whole, np.concatenate([y, y]))


def test_one_runner_may_be_called_from_several_threads(snapshot):
    runner = calotype.Runner(snapshot, threads=2)
    expected = runner.run({"image": IMAGES[:40]})["logits"]
    wrong = []

    def work(first: int):
        for _ in range(30):
            for i in range(first, 40, 4):
                if not np.array_equal(runner.run({"image": IMAGES[i:i + 1]})["logits"][0], expected[i]):
                    wrong.append(i)

    threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("samples", [{"image": CALIBRATION}, 5])
def test_samples_of_another_kind_are_refused_with_the_right_form(samples, tmp_path):
    with pytest.raises(calotype.Error, match="SAMPLE_KIND.*list of dicts"):
        calotype.compile(DIGITS / "digits.onnx", samples, tmp_path / "s")


def by_command(snapshot, folder, images) -> subprocess.CompletedProcess:
    np.savez(folder / "in.npz", image=images)
    return subprocess.run([COMMAND, "run", snapshot.path, "--input", folder / "in.npz", "--output", folder / "out.npz"],
                          capture_output=True, text=True, timeout=60)


def test_a_wrong_type_is_refused_in_the_words_of_the_command(snapshot, tmp_path):
    wide = IMAGES.astype(np.float64)
    with pytest.raises(calotype.Error) as caught:
        calotype.Runner(snapshot).run({"image": wide})
    said = by_command(snapshot, tmp_path, wide)
    ours, theirs = (text[text.index("its type is"):].strip() for text in (str(caught.value), said.stderr))
    assert said.returncode == 1 and ours == theirs and "float64" in ours and "float32" in ours


def test_whole_numbers_may_come_as_the_bytes_they_are(tmp_path):
    snapshot = compiled(tmp_path / "s", [{"image": np.round(255 * x[None])} for x in CALIBRATION])
    assert calotype.inspect(snapshot)["inputs"][0]["boundary"] == "uint8"
    whole = np.round(255 * IMAGES)
    logits = calotype.Runner(snapshot).run({"image": whole})["logits"]
    assert np.array_equal(calotype.Runner(snapshot).run({"image": whole.astype(np.uint8)})["logits"], logits)
    assert by_command(snapshot, tmp_path, whole.astype(np.uint8)).returncode == 0
    assert np.array_equal(np.load(tmp_path / "out.npz")["logits"], logits)


def test_a_mask_is_whole_numbers_but_no_bytes(tmp_path):
    snapshot = compiled(tmp_path / "s", [{"image": np.round(x[None])} for x in CALIBRATION])
    assert calotype.inspect(snapshot)["inputs"][0]["boundary"] == "quantized"


def test_what_breaks_the_type_is_noted_once_in_the_words_of_the_command(snapshot, tmp_path):
    broken = IMAGES.copy()
    broken[0, 0, 0, 0] = np.nan
    runner = calotype.Runner(snapshot)
    with pytest.warns(UserWarning, match="first: input `image`: nan") as warned:
        outputs = runner.run({"image": broken})
        runner.run({"image": broken})
    assert len(warned) == 1 and runner.broken_values == 2
    said = by_command(snapshot, tmp_path, broken)
    assert said.returncode == 0 and said.stderr.strip() == str(warned[0].message)
    assert np.array_equal(np.load(tmp_path / "out.npz")["logits"], outputs["logits"])


def test_inputs_far_outside_of_the_calibrated_range_are_noted_once_with_their_number(snapshot):
    images = IMAGES.copy()
    images[0, 0, 0, :4] = [np.inf, -np.inf, np.nan, 1e6]
    runner = calotype.Runner(snapshot)
    with pytest.warns(UserWarning, match="^4 values not of the type, or far outside of the range, .*first: input `image`: inf"):
        runner.run({"image": images})
    assert runner.broken_values == 4
    runner.run({"image": IMAGES * np.float32(1.2)})
    assert runner.broken_values == 4, "a little beyond the samples is what clamping is for"


def test_samples_may_be_generated_and_bring_labels(tmp_path):
    listed = compiled(tmp_path / "listed", [{"image": x[None]} for x in CALIBRATION[:5]])
    with pytest.warns(UserWarning, match="left out, as the model has no such input: `label`"):
        generated = compiled(tmp_path / "s", ({"image": x[None], "label": np.int64(3)} for x in CALIBRATION[:5]))
    assert Path(generated.path, "weights.safetensors").read_bytes() == Path(listed.path, "weights.safetensors").read_bytes()


def test_what_compile_needs_is_named(tmp_path):
    with pytest.raises(calotype.Error, match="OPTION_MISSING: `output`"):
        calotype.compile(DIGITS / "digits.onnx", {"image": CALIBRATION})
    with pytest.raises(calotype.Error, match="SAMPLE_NONE: the samples: there are none.*\n.*give samples with"):
        calotype.compile(DIGITS / "digits.onnx", output=tmp_path / "s")


def test_errors_name_arguments_instead_of_options(tmp_path):
    with pytest.raises(calotype.Error, match=re.escape("OPTION_VALUE: `images`: it is 0")):
        calotype.compile(DIGITS / "digits.onnx", DIGITS / "calibration.npz", tmp_path / "s", images=0)
    with pytest.raises(calotype.Error, match=re.escape('`shapes=[("image", [1, 2])]`')):
        calotype.compile(DIGITS / "digits.onnx", DIGITS / "calibration.npz", tmp_path / "s", shapes=[("image", [1, 2])])


def test_samples_without_variation_are_warned_of(tmp_path):
    zeros = [{"image": np.zeros((1, 1, 8, 8), np.float32)}] * 4
    with pytest.warns(UserWarning, match="`image` is 0 throughout all 4 samples"):
        made = compiled(tmp_path / "s", zeros)
    assert any("throughout" in text for text in made.report["warnings"])


def test_explain_tells_as_a_dict():
    told = calotype.explain(DIGITS / "digits.onnx")
    assert told["totals"]["npu_share"] == 1 and {o["device"] for o in told["operators"]} == {"NPU"}


PUBLIC = [calotype.compile, calotype.explain, calotype.inspect, calotype.verify, calotype.Runner, calotype.Runner.run]


@pytest.mark.parametrize("function", PUBLIC, ids=lambda f: f.__name__)
def test_help_says_what_goes_in_and_out(function):
    text = inspect.getdoc(function)
    assert "Example:" in text or "Args:" in text, text
    assert function is calotype.Runner or ("Returns:" in text and "Raises:" in text), text


def test_the_stub_types_and_documents_everything():
    stub = ast.parse(Path(calotype._core.__file__).with_name("_core.pyi").read_text())
    named = {node.name: node for node in stub.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    assert set(calotype.__all__) <= set(named)
    for name in ("compile", "explain", "inspect", "verify"):
        function = named[name]
        arguments = function.args.args + function.args.kwonlyargs
        assert function.returns and all(argument.annotation for argument in arguments) and ast.get_docstring(function)


def test_limits_by_name(snapshot, tmp_path):
    with pytest.raises(calotype.Error, match=re.escape('raise the limit with limits={"macs": ...}')) as refused:
        calotype.compile(DIGITS / "digits.onnx", DIGITS / "calibration.npz", tmp_path / "s", limits={"macs": 1000})
    assert refused.value.code == "LIMIT_MACS"
    with pytest.raises(calotype.Error, match="`memory`"):
        calotype.Runner(snapshot, limits={"memroy": 1})
    with pytest.raises(calotype.Error, match="it bounds what a model's file may ask for") as unused:
        calotype.Runner(snapshot, limits={"macs": 1})
    assert unused.value.code == "OPTION_UNUSED"
    with pytest.raises(calotype.Error, match="1 to 1000 are allowed"):
        calotype.explain(DIGITS / "digits.onnx", limits={"nesting": 0})


COMPILING = f"""
import calotype
while True:
    calotype.compile({str(DIGITS / "digits.onnx")!r}, {str(DIGITS / "calibration.npz")!r}, "s", images=1)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_process_that_is_ended_while_it_writes(tmp_path, number):
    """Python's handlers of signals stay its own: what SIGTERM cuts off, the next compile into that place removes."""
    compiled(tmp_path / "s", DIGITS / "calibration.npz")
    module = {**os.environ, "PYTHONPATH": str(Path(calotype.__file__).absolute().parents[1])}
    child = subprocess.Popen([sys.executable, "-c", COMPILING], cwd=tmp_path, env=module, stderr=subprocess.DEVNULL)
    while not any(name.startswith(".s.partial-") for name in os.listdir(tmp_path)) and child.poll() is None:
        pass
    child.send_signal(number)
    assert child.wait(60) == -number
    calotype.Runner(tmp_path / "s")  # the old one, or the new one
    if number == signal.SIGINT:  # ends when the compile does
        assert os.listdir(tmp_path) == ["s"]
    compiled(tmp_path / "s", DIGITS / "calibration.npz")
    assert os.listdir(tmp_path) == ["s"]
