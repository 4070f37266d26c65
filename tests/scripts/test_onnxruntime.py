"""ONNX Runtime scripts under the hook."""

import json

import numpy as np

import calotype

SESSION = """
import sys
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
random = np.random.default_rng(1)
inputs = [random.standard_normal((BATCH, 3, 16, 16), dtype=np.float32) for _ in range(CALLS)]
outputs = [session.run(None, {"x": x})[0] for x in inputs]
np.savez("outputs.npz", x=np.stack(inputs), y=np.stack(outputs))
"""


def calls(count: int, batch: int = 1) -> str:
    return SESSION.replace("BATCH", str(batch)).replace("CALLS", str(count))


def arrays(script) -> tuple[np.ndarray, np.ndarray]:
    with np.load(script.folder / "outputs.npz") as saved:
        return saved["x"], saved["y"]


def test_fp32_then_the_npu_bit_for_bit(script, onnx_model):
    plain = script.ok(calls(8), onnx_model, hook=False)
    _, fp32 = arrays(script)
    run = script.ok(calls(8), onnx_model)
    x, y = arrays(script)
    assert run.stdout == plain.stdout
    assert run.samples() == (4, 4), run.stderr
    np.testing.assert_array_equal(y[:4], fp32[:4])
    runner = calotype.Runner(script.snapshot)
    for inputs, outputs in zip(x[4:], y[4:]):
        np.testing.assert_array_equal(runner.run({"x": inputs})["y"], outputs)
    assert not np.array_equal(y[4:], fp32[4:])
    for line in ("8 batches of 1 sample", "1 input per batch (1x3x16x16 INT8)", "1 output per batch (1x5 INT8)",
                 "1 VAISW (NPU) subgraph: 100.00% of total MACs", "0 Framework (CPU) subgraph",
                 f"snapshot directory dumped in {script.snapshot}"):  # fmt: skip
        assert line in run.report, run.report


def test_the_second_run_begins_on_the_npu(script, onnx_model):
    script.ok(calls(5), onnx_model)
    again = script.ok(calls(5), onnx_model)
    assert again.samples() == (0, 5) and not again.compiled, again.stderr
    assert "found compiled" in again.report


def test_a_batch_counts_its_samples_and_is_answered_whole(script, onnx_model):
    run = script.ok(calls(3, batch=3), onnx_model)
    assert run.samples() == (6, 3), run.stderr


def test_another_number_of_samples_quantizes_anew_and_going_back_does_not(script, onnx_model):
    snapshots = {}
    for images in (1, 2, 1):
        run = script.ok(calls(4), onnx_model, VAISW_QUANTIZATION_NBIMAGES=images)
        text = (script.snapshot / "manifest.json").read_text()
        assert run.compiled == (images not in snapshots), run.stderr
        assert snapshots.setdefault(images, text) == text
    assert snapshots[1] != snapshots[2]


def test_too_few_samples(script, onnx_model):
    run = script.ok(calls(3), onnx_model)
    assert "the script ended after 3 of the 4 samples" in run.report, run.report
    assert not list((script.home / ".amd" / "vaisw" / "recordings").iterdir())


def test_a_model_given_as_bytes_is_the_same_network(script, onnx_model):
    script.ok(calls(5), onnx_model)
    given = calls(5).replace("sys.argv[1]", "open(sys.argv[1], 'rb').read()")
    assert script.ok(given, onnx_model).samples() == (0, 5)


def test_a_damaged_entry_is_made_anew(script, onnx_model):
    script.ok(calls(5), onnx_model)
    (weights,) = (script.home / ".amd" / "vaisw" / "networks").glob("*/snapshot/weights.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1])
    run = script.ok(calls(5), onnx_model)
    assert "is damaged and will be made anew" in run.stderr and run.samples() == (4, 1), run.stderr


def test_a_folder_of_somebody_else_is_an_error_and_stays(script, onnx_model):
    theirs = script.folder / "photos"
    theirs.mkdir()
    (theirs / "holiday.jpg").write_text("mine")
    run = script(calls(5), onnx_model, VAISW_SNAPSHOT_DIRECTORY="photos")
    assert run.code == 1 and "OUTPUT_TAKEN" in run.stderr and "holiday.jpg" in run.stderr, run.stderr
    assert [file.name for file in theirs.iterdir()] == ["holiday.jpg"]


def test_the_second_network_gets_a_folder_of_its_own(script, onnx_model, tmp_path):
    import onnx

    model = onnx.load(onnx_model)
    model.graph.node[1].op_type = "Sigmoid"
    onnx.save(model, tmp_path / "other.onnx")
    both = calls(5) + """
session = onnxruntime.InferenceSession("other.onnx")
for x in inputs:
    session.run(["y"], {"x": x})
"""
    run = script.ok(both, onnx_model, VAISW_SNAPSHOT_DIRECTORY="made/here")
    assert [run.samples(i) for i in (0, 1)] == [(4, 1), (4, 1)]
    manifests = [json.loads((tmp_path / "made" / name / "manifest.json").read_text()) for name in ("here", "here.2")]
    assert manifests[0]["model_sha256"] != manifests[1]["model_sha256"]
    assert f"dumped in {tmp_path}/made/here.2" in run.report


def test_what_onnx_runtime_refuses_it_still_refuses(script, onnx_model):
    wrong = calls(5) + """
for feed in ({"z": inputs[0]}, {"x": inputs[0].astype(np.float64)}, {"x": inputs[0][0]}):
    try:
        session.run(None, feed)
    except Exception as reason:
        print(type(reason).__name__)
try:
    session.run(["nothing"], {"x": inputs[0]})
except Exception as reason:
    print(type(reason).__name__)
try:
    session.run(None, {"x": np.ones((1, 3, 20, 20), np.float32)})
except Exception as reason:
    print(type(reason).__name__, reason.__context__)
print(isinstance(session, onnxruntime.InferenceSession), session.get_inputs()[0].name, type(session))
"""
    assert script.ok(wrong, onnx_model).stdout == script.ok(wrong, onnx_model, hook=False).stdout


BINDINGS = """
def bound(x):
    binding = session.io_binding()
    binding.bind_cpu_input("x", x)
    binding.bind_output("y")
    session.run_with_iobinding(binding)
    return binding.copy_outputs_to_cpu()[0], binding.get_outputs()[0].numpy()

def in_memory(x):
    y = np.zeros((1, 5), np.float32)
    binding = session.io_binding()
    binding.bind_input("x", "cpu", 0, np.float32, x.shape, x.ctypes.data)
    binding.bind_output("y", "cpu", 0, np.float32, y.shape, y.ctypes.data)
    session.run_with_iobinding(binding)
    return y, binding.get_outputs()[0].numpy()

def with_values(x):
    value = onnxruntime.OrtValue.ortvalue_from_numpy(x)
    into = onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros((1, 5), np.float32))
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", value)
    binding.bind_ortvalue_output("y", into)
    session.run_with_iobinding(binding)
    return into.numpy(), session.run_with_ort_values(["y"], {"x": value})[0].numpy()

plain = session.run(None, {"x": inputs[-1]})[0]
for way in (bound, in_memory, with_values):
    for y in way(inputs[-1]):
        print(way.__name__, y.shape, y.dtype, np.array_equal(y, plain))
"""


def test_bindings_answer_as_run_does(script, onnx_model):
    run = script.ok(calls(5) + BINDINGS, onnx_model)
    assert run.stdout.count("(1, 5) float32 True\n") == 6, run.stdout
    assert run.samples() == (4, 1 + 1 + 4), run.stderr


def test_a_binding_can_be_what_is_recorded(script, onnx_model):
    loop = calls(1) + BINDINGS.partition("def in_memory")[0] + """
y = [bound(x)[0] for x in [inputs[0]] * 6]
print([np.array_equal(each, outputs[0]) for each in y[:3]], np.array_equal(y[3], outputs[0]))
"""
    run = script.ok(loop, onnx_model)
    assert run.stdout == "[True, True, True] False\n" and run.samples() == (4, 3), run.stdout + run.stderr


def test_another_size(script, onnx_model, tmp_path):
    """The model's own file says which sizes are free: a fixed one is refused by ONNX Runtime itself."""
    free_sizes(onnx_model, tmp_path / "free.onnx", tied=False)
    loop = calls(5) + """
print(session.run(None, {"x": np.ones((2, 3, 20, 28), np.float32)})[0].shape)
"""
    run = script.ok(loop, "free.onnx")
    assert run.stdout == "(2, 5)\n" and run.samples() == (4, 3), run.stderr
    assert "[VAISW] input `x`: planned anew" in run.stderr and "Warning" not in run.stderr, run.stderr


def test_an_input_without_a_shape_is_refused_in_the_report(script, onnx_model):
    import onnx

    model = onnx.load(onnx_model)
    model.graph.input[0].type.tensor_type.ClearField("shape")
    onnx.save(model, script.folder / "shapeless.onnx")
    run = script.ok(calls(6), "shapeless.onnx")
    assert run.samples() == (6, 0) and "input `x`: it has no shape" in run.report, run.stderr


def test_bound_memory_of_another_shape(script, onnx_model):
    """It is ONNX Runtime's to answer or to complain, and the next call is the NPU's again."""
    loop = calls(5) + BINDINGS.partition("plain =")[0] + """
x = inputs[-1]
def bind_array(binding, y):
    binding.bind_output("y", "cpu", 0, np.float32, y.shape, y.ctypes.data)

def bind_value(binding, y):
    binding.bind_ortvalue_output("y", onnxruntime.OrtValue.ortvalue_from_numpy(y))

for bind in (bind_array, bind_value):
    for shape in ((3, 5), (5,), (5, 1)):
        binding = session.io_binding()
        binding.bind_cpu_input("x", x)
        bind(binding, np.zeros(shape, np.float32))
        try:
            session.run_with_iobinding(binding)
            print(shape, binding.get_outputs()[0].shape())
        except Exception as reason:
            print(shape, type(reason).__name__)
session.run(None, {"x": x})
"""
    plain = script.ok(loop, onnx_model, hook=False)
    run = script.ok(loop, onnx_model)
    assert run.stdout == plain.stdout, run.stdout
    assert run.samples() == (4, 2), run.stderr  # a call that failed is none


SIZES = """
import sys
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession("free.onnx", providers=["CPUExecutionProvider"])
random = np.random.default_rng(1)
for i, side in enumerate((16, 20, 16, 20, 16, 20)):
    scale = 1 if side == 16 else 100
    x = scale * random.standard_normal((1, 3, side, side), dtype=np.float32)
    y = session.run(None, {"x": x})[0]
np.savez("outputs.npz", x=x, y=y)
"""


def free_sizes(onnx_model, path, tied: bool) -> None:
    """The model with its height and width free; tied: its result also depends on its input's height."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(onnx_model)
    for axis in (2, 3):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = f"size{axis}"
    if tied:
        model.graph.node[0].input[0] = "scaled"
        height = [helper.make_node("Shape", ["x"], ["shape"], start=2, end=3),
                  helper.make_node("Cast", ["shape"], ["height"], to=onnx.TensorProto.FLOAT),
                  helper.make_node("Div", ["sixteen", "height"], ["factor"]),
                  helper.make_node("Mul", ["x", "factor"], ["scaled"])]  # fmt: skip
        for node in reversed(height):
            model.graph.node.insert(0, node)
        model.graph.initializer.append(numpy_helper.from_array(np.float32([16]), "sixteen"))
    onnx.save(model, path)


def test_samples_of_several_sizes_calibrate_together(script, onnx_model):
    """Those of the second size are a hundred times as large: a scale of the first size alone would cut them off."""
    free_sizes(onnx_model, script.folder / "free.onnx", tied=False)
    script.ok(SIZES, hook=False)
    _, fp32 = arrays(script)
    run = script.ok(SIZES)
    _, npu = arrays(script)
    assert run.samples() == (4, 2) and "first size" not in run.stderr, run.stderr
    assert np.max(np.abs(npu - fp32)) < 0.1 * np.max(np.abs(fp32))


def test_a_network_of_one_size_is_calibrated_with_the_first(script, onnx_model):
    free_sizes(onnx_model, script.folder / "free.onnx", tied=True)
    run = script.ok(SIZES)
    assert run.samples() == (5, 1), run.stderr  # the last, of the other size, in FP32
    assert "those of the first size calibrate" in run.stderr and "SAMPLE_SIZES" in run.stderr, run.stderr

def test_a_model_that_calotype_cannot_read_runs_on(script, tmp_path):
    import onnx
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("SequenceConstruct", ["x", "x"], ["s"]), helper.make_node("SequenceAt", ["s", "i"], ["y"])],
        "sequences",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3]), helper.make_tensor_value_info("i", TensorProto.INT64, [])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), tmp_path / "s.onnx")
    loop = """
import numpy as np, onnxruntime
session = onnxruntime.InferenceSession("s.onnx")
for k in range(6):
    print(session.run(None, {"x": np.full((1, 3), k, np.float32), "i": np.array(1)}))
"""
    run = script.ok(loop)
    assert run.stdout == script.ok(loop, hook=False).stdout


def test_batches_whose_samples_mix_are_left_to_onnx_runtime(script, onnx_model):
    """`size` holds the batch, `spread` what the mean over it leaves."""
    import onnx
    from onnx import TensorProto, helper

    model = onnx.load(onnx_model)
    model.graph.node.extend([
        helper.make_node("Shape", ["y"], ["size"], name="size"),
        helper.make_node("ReduceMean", ["y"], ["mean"], name="mean", keepdims=0),
        helper.make_node("Sub", ["y", "mean"], ["spread"], name="spread"),
    ])  # fmt: skip
    model.graph.output.extend([helper.make_tensor_value_info("size", TensorProto.INT64, [2]),
                               helper.make_tensor_value_info("spread", TensorProto.FLOAT, ["N", 5])])  # fmt: skip
    onnx.save(model, script.folder / "mixing.onnx")
    loop = """
import numpy as np, onnxruntime
session = onnxruntime.InferenceSession("mixing.onnx", providers=["CPUExecutionProvider"])
random = np.random.default_rng(1)
for batch in (1, 1, 1, 1, 2, 1, 3):
    outputs = session.run(None, {"x": random.standard_normal((batch, 3, 16, 16), dtype=np.float32)})
    print(outputs[1], outputs[2] if batch > 1 else len(outputs[2]))
"""
    plain = script.ok(loop, hook=False)
    run = script.ok(loop)
    assert run.stdout == plain.stdout and run.samples() == (9, 1), run.stderr
    assert "5 samples in FP32: it mixes the samples of a batch" in run.report
    again = script.ok(loop)
    assert again.stdout == plain.stdout and again.samples() == (5, 5), again.stderr


SEVERAL = """
import sys
import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

model = onnx.load(sys.argv[1])
random = np.random.default_rng(1)
inputs = [random.standard_normal((1, 3, 16, 16), dtype=np.float32) for _ in range(6)]
def weights():
    return random.standard_normal((5, 16), dtype=np.float32)
"""


def test_a_file_that_another_took_the_place_of(script, onnx_model):
    """The first session goes on with what it read; the file is that of the second."""
    loop = SEVERAL + """
sessions = []
for _ in range(2):
    model.graph.initializer[2].CopyFrom(numpy_helper.from_array(weights(), "w3"))
    onnx.save(model, "model.onnx")
    sessions.append(onnxruntime.InferenceSession("model.onnx"))
np.savez("outputs.npz", x=0, y=[[session.run(None, {"x": x})[0] for x in inputs] for session in sessions])
"""
    script.ok(loop, onnx_model, hook=False)
    _, fp32 = arrays(script)
    run = script.ok(loop, onnx_model)
    _, y = arrays(script)
    np.testing.assert_array_equal(y[0], fp32[0])
    np.testing.assert_array_equal(y[1, :4], fp32[1, :4])
    assert run.samples() == (4, 2), run.stderr
    assert "its file is another one than when the session was made" in run.report


def test_weights_that_the_session_options_bring(script, onnx_model):
    loop = SEVERAL + """
options = onnxruntime.SessionOptions()
given = onnxruntime.OrtValue.ortvalue_from_numpy(weights())
options.add_initializer("w3", given)
session = onnxruntime.InferenceSession(sys.argv[1], options)
np.savez("outputs.npz", x=0, y=[session.run(None, {"x": x})[0] for x in inputs])
"""
    script.ok(loop, onnx_model, hook=False)
    _, fp32 = arrays(script)
    run = script.ok(loop, onnx_model)
    np.testing.assert_array_equal(arrays(script)[1], fp32)
    assert "its session options bring weights of their own" in run.report


def test_inputs_that_are_parts_of_a_file_or_lists(script, onnx_model):
    loop = SEVERAL + """
np.save("inputs.npy", np.concatenate(inputs))
mapped = np.load("inputs.npy", mmap_mode="r")
session = onnxruntime.InferenceSession(sys.argv[1])
session.run(None, {"x": inputs[0].tolist()})
for i in range(6):
    session.run(None, {"x": mapped[i : i + 1]})
"""
    run = script.ok(loop, onnx_model)
    assert run.samples() == (5, 2), run.stderr
    assert "1 sample in FP32: its inputs are no arrays of the model's types" in run.report


def test_a_result_that_is_no_array(script, onnx_model):
    """A sequence of arrays of several shapes."""
    loop = SEVERAL + """
sizes = numpy_helper.from_array(np.array([2, 3]), "sizes")
model.graph.initializer.append(sizes)
model.graph.node.append(onnx.helper.make_node("SplitToSequence", ["y", "sizes"], ["parts"], axis=1))
model.graph.output.append(onnx.helper.make_tensor_sequence_value_info("parts", onnx.TensorProto.FLOAT, None))
session = onnxruntime.InferenceSession(model.SerializeToString())
for x in inputs:
    y, parts = session.run(None, {"x": x})
print([part.shape for part in parts])
"""
    run = script.ok(loop, onnx_model)
    assert run.stdout == "[(1, 2), (1, 3)]\n"
    assert "runs untouched: its output `parts` is seq(tensor(float)), no array" in run.report


def test_an_stderr_of_the_scripts_own(script, onnx_model):
    """It can be written to, and nothing else."""
    loop = SEVERAL + """
class Text:
    def write(self, text):
        written.append(text)

written = []
sys.stderr = Text()
session = onnxruntime.InferenceSession(sys.argv[1])
print(len([session.run(None, {"x": x}) for x in inputs]))
sys.stderr = sys.__stderr__
"""
    run = script.ok(loop, onnx_model)
    assert run.stdout == "6\n" and run.samples() == (4, 2), run.stderr


def test_outputs_copied_from_a_binding_stay_what_they_were(script, onnx_model):
    """The next run writes into the memory that is bound."""
    loop = calls(5) + """
value = onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros((1, 5), np.float32))
binding = session.io_binding()
binding.bind_ortvalue_output("y", value)
copies = []
for x in inputs:
    binding.bind_cpu_input("x", x)
    session.run_with_iobinding(binding)
    copies.append(binding.copy_outputs_to_cpu()[0])
print([np.array_equal(copy, session.run(None, {"x": x})[0]) for x, copy in zip(inputs, copies)])
"""
    run = script.ok(loop, onnx_model)
    assert run.stdout == "[True, True, True, True, True]\n" and run.samples() == (4, 11), run.stderr


def test_empty_batches_and_numbers_that_are_none(script, onnx_model):
    """Neither counts as a sample that calibrates, nor ends a network's way to the NPU."""
    loop = calls(0).replace("np.savez", "0 and np.savez").replace("np.stack", "") + """
def run(x):
    return session.run(None, {"x": x})[0]

nothing = np.zeros((0, 3, 16, 16), np.float32)
x = random.standard_normal((8, 1, 3, 16, 16), dtype=np.float32)
print(run(nothing).shape)
for each in x[:6]:
    y = run(each)
print(run(nothing).shape)
"""
    run = script.ok(loop, onnx_model)
    assert run.stdout == "(0, 5)\n(0, 5)\n" and run.samples() == (4, 2), run.stderr
    assert "0 samples in FP32" not in run.report and "7 batches" not in run.report, run.stderr


def test_calls_refused_for_many_shapes_are_one_line_of_the_report(script, onnx_model):
    free_sizes(onnx_model, script.folder / "free.onnx", tied=True)
    loop = SIZES.replace("(16, 20, 16, 20, 16, 20)", "(16, 16, 16, 16, 20, 24, 28)")
    run = script.ok(loop)
    assert run.samples() == (7, 0) and run.report.count("samples in FP32") == 1, run.stderr
    assert "3 samples in FP32: " in run.report and "(and 2 more like this)" in run.report, run.report


def test_run_options_that_end_the_run(script, onnx_model):
    """However it is called, also where the NPU would answer: the script counts on the exception."""
    loop = """
import sys
import numpy as np, onnxruntime as ort

session = ort.InferenceSession(sys.argv[1])
x = np.random.default_rng(1).standard_normal((1, 3, 16, 16), dtype=np.float32)
options = ort.RunOptions()
for _ in range(6):
    session.run(None, {"x": x}, options)
options.terminate = True
binding = session.io_binding()
binding.bind_cpu_input("x", x)
binding.bind_output("y")
for call in (
    lambda: session.run(None, {"x": x}, options),
    lambda: session.run_with_iobinding(binding, options),
    lambda: session.run_with_ort_values(None, {"x": ort.OrtValue.ortvalue_from_numpy(x)}, options),
):
    try:
        call()
    except Exception as reason:
        print(type(reason).__name__)
options.terminate = False
session.run(None, {"x": x}, options)
"""
    run = script.ok(loop, onnx_model)
    assert run.stdout == script.ok(loop, onnx_model, hook=False).stdout != "", run.stderr
    assert run.samples() == (4, 3), run.stderr
