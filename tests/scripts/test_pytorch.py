"""PyTorch scripts under the hook."""

import re

import numpy as np
import pytest

import calotype

NETWORK = """
import sys
import numpy as np
import torch
from torch import nn

torch.manual_seed(6)

class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
                                      nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.head = nn.Linear(16, 5)

    def forward(self, x):
        return self.head(self.features(x).flatten(1))

random = np.random.default_rng(1)
def images(count, *size):
    return [torch.from_numpy(random.standard_normal(size or (1, 3, 16, 16), dtype=np.float32)) for _ in range(count)]
"""
LOOP = NETWORK + """
model = Small().eval()
x = images(8)
with torch.no_grad():
    y = [model(each) for each in x]
np.savez("outputs.npz", x=torch.cat(x), y=torch.cat(y))
print(type(y[-1]), y[-1].dtype, y[-1].shape, y[-1].requires_grad, y[-1].device)
"""


def outputs(script) -> np.ndarray:
    with np.load(script.folder / "outputs.npz") as saved:
        return saved["y"]


def test_fp32_then_the_npu_bit_for_bit(script):
    plain = script.ok(LOOP, hook=False)
    fp32 = outputs(script)
    run = script.ok(LOOP)
    assert run.stdout == plain.stdout
    assert run.samples() == (4, 4), run.stderr
    with np.load(script.folder / "outputs.npz") as saved:
        np.testing.assert_array_equal(saved["y"][:4], fp32[:4])
        runner = calotype.Runner(script.snapshot)
        for x, y in zip(saved["x"][4:], saved["y"][4:]):
            np.testing.assert_array_equal(runner.run({"x": x[None]})["output"][0], y)
    again = script.ok(LOOP)
    assert again.samples() == (0, 8) and not again.compiled, again.stderr


def test_training_mode_without_training(script):
    """As the original's documentation has it: neither eval() nor no_grad()."""
    loop = NETWORK + """
model = Small()
y = [model(each) for each in images(6)]
print(y[0].requires_grad, y[-1].requires_grad, model.training)
"""
    run = script.ok(loop)
    assert run.stdout == "True True True\n"
    assert run.samples() == (4, 2), run.stderr
    assert "call model.eval() to make the FP32 reference comparable" in run.stderr
    assert script.ok(loop).samples() == (0, 6)  # BatchNorm's statistics moved, the network is the same


@pytest.mark.parametrize("training, reason", [
    ("torch.optim.SGD(model.parameters(), lr=0.1)", "the script made an optimizer"),
    ("model(x[0]).sum().backward()", "the script called backward"),
    ("x = [each.requires_grad_() for each in x]", "an input requires a gradient"),
    ("model.features[0].register_forward_hook(lambda *_: None)", "has a hook"),
])  # fmt: skip
def test_what_trains_or_listens_is_left_to_pytorch(script, training, reason):
    loop = NETWORK + f"""
model = Small().eval()
x = images(6)
{training}
y = [model(each) for each in x]
torch.save(y, "y.pt")
print([tuple(each.shape) for each in y], y[0].grad_fn is not None)
"""
    plain = script.ok(loop, hook=False)
    saved = (script.folder / "y.pt").read_bytes()
    run = script.ok(loop)
    assert run.stdout == plain.stdout and (script.folder / "y.pt").read_bytes() == saved
    assert f"runs untouched: {reason}" in run.report or reason in run.report, run.stderr


def test_backward_after_the_npu_answered_gives_pytorchs_gradient(script):
    loop = NETWORK + """
model = Small().eval()
for each in images(5):
    y = model(each)
y.sum().backward()
np.savez("outputs.npz", y=model.head.weight.grad)
print(tuple(model(each).shape))
"""
    script.ok(loop, hook=False)
    wanted = outputs(script)
    run = script.ok(loop)
    np.testing.assert_allclose(outputs(script), wanted, rtol=1e-6)  # the same FP32 computation, once more
    assert run.samples() == (5, 1) and "called backward" in run.report, run.stderr


def test_results_with_a_gradient_can_be_written_into(script):
    loop = NETWORK + """
class Two(Small):
    def forward(self, x):
        y = super().forward(x)
        return y, y * 2

model = Two().eval()
for each in images(6):
    a, b = model(each)
    a.sigmoid_()
    b += a
a.sum().backward()
print(a.requires_grad, b.requires_grad, model.head.weight.grad.abs().sum() > 0)
"""
    run = script.ok(loop)
    assert run.stdout == "True True tensor(True)\n" and run.samples() == (4, 2), run.stderr


@pytest.mark.parametrize("change", [
    "model.head.weight.data.add_(1)",
    "model.head.weight.data[1, 3] = 9",  # one element
    "model.head.bias.data = model.head.bias.data + 1",
    "model.load_state_dict({name: value + 1 for name, value in model.state_dict().items()})",
    "model.head = nn.Linear(16, 5)",
    "model.features[1].running_var.fill_(4)",
    "model.features[0].dilation = model.features[0].padding = (2, 2)",
    "old = model.head.forward; model.head.forward = lambda x: old(x) * 3",
    "Small.forward = lambda self, x: 3 * self.head(self.features(x).flatten(1))",
    "nn.ReLU.forward = lambda self, x: x.clamp(0, 1)",
])  # fmt: skip
def test_changed_weights_or_attributes_are_another_network(script, change):
    loop = NETWORK + f"""
model = Small().eval()
with torch.no_grad():
    for each in images(6):
        model(each)
    {change}
    y = [model(each) for each in images(6)]
np.savez("outputs.npz", y=torch.cat(y))
"""
    script.ok(loop, hook=False)
    fp32 = outputs(script)
    run = script.ok(loop)
    assert [run.samples(i) for i in (0, 1)] == [(4, 2), (4, 2)], run.stderr
    np.testing.assert_array_equal(outputs(script)[:4], fp32[:4])
    assert script.ok(loop).samples(1) == (0, 6)


@pytest.mark.parametrize("untouched", [
    "model.eval(); model.features[0].padding = (1, 1)",
    "model.features[2].name = 'first'; del model.features[2].name",
])  # fmt: skip
def test_attributes_that_are_set_to_what_they_were_are_no_change(script, untouched):
    loop = NETWORK + f"""
model = Small().eval()
with torch.no_grad():
    for each in images(6):
        {untouched}
        model(each)
"""
    run = script.ok(loop)
    assert run.samples() == (4, 2) and run.compiled == 1, run.stderr


@pytest.mark.parametrize("calls", [
    "[*map(model, images(1)), *map(copy.deepcopy(model), images(5))]",
    "list(ThreadPoolExecutor(3).map(model, images(6)))",
])  # fmt: skip
def test_copies_and_threads_share_the_network_from_its_first_call_on(script, calls):
    loop = NETWORK + f"""
import copy
from concurrent.futures import ThreadPoolExecutor

model = Small().eval()
print(len([y.backward for y in {calls}]))
"""
    run = script.ok(loop)
    assert run.stdout == "6\n" and run.samples() == (4, 2), run.stderr


def test_a_number_that_counts_up_is_not_a_network_each_time(script):
    loop = NETWORK + """
class Step(Small):
    def forward(self, x, step):
        return super().forward(x) + step

model = Step().eval()
with torch.no_grad():
    for step in range(20):
        y = model(images(1)[0], step)
    for each in images(6):
        model(each, 3)
np.savez("outputs.npz", y=y)
"""
    script.ok(loop, hook=False)
    fp32 = outputs(script)
    run = script.ok(loop)
    np.testing.assert_array_equal(outputs(script), fp32)
    assert [run.samples(i) for i in range(8)] == [(1, 0)] * 3 + [(4, 3)] + [(1, 0)] * 4, run.stderr
    assert run.report.count("calls in other forms than the first 8") == 2  # at once, and at the end


@pytest.mark.parametrize("call", ["torch.vmap(model)(torch.stack(images(2)))", "model.to('meta')(images(1)[0].to('meta'))"])
def test_tensors_without_elements_are_left_to_pytorch(script, call):
    loop = NETWORK + f"""
model = Small().eval()
with torch.no_grad():
    for each in images(3):
        model(each)
    print({call})
"""
    run = script.ok(loop)
    assert run.stdout == script.ok(loop, hook=False).stdout
    assert run.samples()[1] == 0, run.stderr


def test_results_keep_their_form(script):
    loop = NETWORK + """
from dataclasses import dataclass
from collections import OrderedDict, namedtuple

@dataclass
class Found:
    scores: torch.Tensor
    note: str
    count: int = 0

Pair = namedtuple("Pair", "a b")

class Several(Small):
    def forward(self, image, *, scale=1.0):
        y = super().forward(image)
        return {"found": Found(y * scale, "fine"), "pair": Pair(y, None), "rest": [y + 1, (y,)], "more": OrderedDict(z=y)}

model = Several().eval()
with torch.inference_mode():
    for each in images(6):
        y = model(image=each, scale=2.0)
print(type(y), type(y["found"]), y["found"].note, y["found"].count, y["pair"]._fields, y["pair"].b, type(y["rest"][1]), type(y["more"]))
"""
    run = script.ok(loop)
    assert run.stdout == script.ok(loop, hook=False).stdout
    assert run.samples() == (4, 2), run.stderr
    again = script.ok(loop)
    assert again.stdout == run.stdout and again.samples() == (0, 6), again.stderr


@pytest.mark.parametrize("result, reason", [
    ("defaultdict(list, y=y)", "its result cannot be rebuilt"),
    ("Kept(y)", "its result cannot be rebuilt"),
    ("(y, float(y.sum()))", "its result holds "),
    ("{'y': y, 'label': 'ab'[int(y.numpy()[0, 0] > 9)]}", "its result holds 'a'"),
])  # fmt: skip
def test_results_that_the_npu_cannot_give(script, result, reason):
    """Number and text would stay what they were in the last FP32 call, the others would raise in the middle of the script."""
    loop = NETWORK + f"""
from collections import defaultdict
from dataclasses import dataclass, field

@dataclass
class Kept:
    y: torch.Tensor
    places: list = field(init=False, default_factory=list)

class Odd(Small):
    def forward(self, x):
        y = super().forward(x)
        return {result}

model = Odd().eval()
with torch.no_grad():
    for each in images(3, 4, 3, 16, 16):
        print(model(each))
"""
    run = script.ok(loop)
    assert run.stdout == script.ok(loop, hook=False).stdout
    assert reason in run.report, run.stderr


@pytest.mark.parametrize("made, x", [
    ("torch.nn.DataParallel(Small().eval())", "images(6)"),
    ("torch.jit.script(Small().eval())", "images(6)"),
    ("torch.jit.freeze(torch.jit.trace(Small().eval(), images(1)[0]))", "images(6)"),
    ("Small().eval().half()", "[each.half() for each in images(6)]"),
    ("Small().eval().bfloat16()", "[each.bfloat16() for each in images(6)]"),
])  # fmt: skip
def test_other_kinds_of_modules(script, made, x):
    loop = NETWORK + f"""
model = {made}
with torch.no_grad():
    y = [model(each) for each in {x}]
print(y[-1].dtype, type(y[-1]))
"""
    run = script.ok(loop)
    assert run.samples() == (4, 2), run.stderr
    assert run.stdout == script.ok(loop, hook=False).stdout


def test_a_last_smaller_batch_and_other_sizes(script):
    loop = NETWORK + """
model = Small().eval()
with torch.no_grad():
    for batch, side in ((4, 16), (4, 16), (3, 16), (2, 24)):
        print(tuple(model(torch.rand(batch, 3, side, side)).shape))
"""
    run = script.ok(loop)
    assert run.stdout == "(4, 5)\\n(4, 5)\\n(3, 5)\\n(2, 5)\\n".replace("\\n", "\n")
    assert run.samples() == (4, 9), run.stderr
    assert "4 batches of 2 to 4 samples" in run.report


def test_a_module_that_branches_on_the_size_is_calibrated_with_the_first(script):
    loop = NETWORK + """
class Branching(Small):
    def forward(self, x):
        y = super().forward(x)
        return y if x.shape[-1] < 20 else -y

model = Branching().eval()
with torch.no_grad():
    for side in (16, 24, 16, 24, 16, 24):
        y = model(*images(1, 1, 3, side, side))
print(y)
"""
    run = script.ok(loop)
    assert run.samples() == (5, 1), run.stderr
    assert "those of the first size calibrate" in run.stderr, run.stderr
    assert run.stdout == script.ok(loop, hook=False).stdout  # the last, of the other size, in FP32


def test_a_branch_on_the_data_is_left_to_pytorch(script):
    loop = NETWORK + """
class Branching(Small):
    def forward(self, x):
        y = super().forward(x)
        return y if x.sum() > 0 else -y

model = Branching().eval()
with torch.no_grad():
    y = [model(each) for each in images(8)]
np.savez("outputs.npz", y=torch.cat(y))
"""
    script.ok(loop, hook=False)
    fp32 = outputs(script)
    run = script.ok(loop)
    np.testing.assert_array_equal(outputs(script), fp32)
    assert "ONNX cannot express it" in run.report, run.stderr


def test_a_branch_that_no_recorded_sample_takes_is_left_to_pytorch(script):
    loop = NETWORK + """
class Branching(Small):
    def forward(self, x):
        y = super().forward(x)
        return y if x.max() < 100 else y * 0

model = Branching().eval()
with torch.no_grad():
    y = [model(each) for each in images(6) + [each + 1000 for each in images(2)]]
np.savez("outputs.npz", y=torch.cat(y))
"""
    script.ok(loop, hook=False)
    fp32 = outputs(script)
    run = script.ok(loop)
    np.testing.assert_array_equal(outputs(script), fp32)
    assert "reads values that its inputs decide" in run.report, run.stderr


@pytest.mark.parametrize("name", ["self", "this"])
def test_forward_called_directly_is_no_network(script, name):
    loop = NETWORK.replace("self", name) + """
model = Small().eval()
with torch.no_grad():
    y = [model.forward(each) for each in images(6)]
np.savez("outputs.npz", y=torch.cat(y))
"""
    script.ok(loop, hook=False)
    fp32 = outputs(script)
    run = script.ok(loop)
    np.testing.assert_array_equal(outputs(script), fp32)
    assert "on the NPU" not in run.report


def test_compiled_by_torch(script):
    loop = NETWORK + """
model = torch.compile(Small().eval(), backend="eager")
with torch.no_grad():
    y = [model(each) for each in images(6)]
np.savez("outputs.npz", y=torch.cat(y))
"""
    script.ok(loop, hook=False)
    fp32 = outputs(script)
    run = script.ok(loop)
    assert run.samples() == (4, 2), run.stderr
    np.testing.assert_array_equal(outputs(script)[:4], fp32[:4])
    plain = loop.replace('torch.compile(Small().eval(), backend="eager")', "Small().eval()")
    assert script.ok(plain).samples() == (0, 6)  # it is the same network


def test_what_cannot_be_exported_is_named(script):
    loop = NETWORK + """
class Eigenvalues(nn.Module):
    def forward(self, y):
        return torch.linalg.eigvalsh(y[:, :, None] * y[:, None, :])

model = nn.Sequential()
model.small = Small()
model.special = Eigenvalues()
model.eval()
with torch.no_grad():
    for each in images(5):
        y = model(each)
print(tuple(y.shape))
"""
    run = script.ok(loop)
    assert run.stdout == "(1, 5)\n"
    place = r"operator aten::linalg_eigvalsh in `special` at \S+script.py:\d+"
    assert "ONNX cannot express it" in run.report and re.search(place, run.report), run.stderr


def test_compiling_leaves_the_scripts_state_and_random_numbers_alone(script):
    """The module keeps what it computed in its first calls, with its gradient, and draws random numbers that its result does
    not depend on."""
    loop = NETWORK + """
import random as python

class Keeping(Small):
    def __init__(self):
        super().__init__()
        self.register_buffer("zero", torch.zeros(()))
        self.kept = []

    def forward(self, x):
        y = super().forward(x)
        if len(self.kept) < 4:
            self.kept.append((python.random(), np.random.rand(), float(torch.rand(())), y))
        return y + self.zero

model = Keeping().eval()
python.seed(1)
np.random.seed(1)
for each in images(4):
    y = model(each)
print(model.kept, python.random(), np.random.rand(), torch.rand(3))
model(images(1)[0])
"""
    run = script.ok(loop)
    assert run.samples() == (4, 1), run.stderr
    assert run.stdout == script.ok(loop, hook=False).stdout


@pytest.mark.parametrize("kept, change, reason", [
    ("[]", "kept.append(y.mean())", "changes `kept` outside of it"),
    ("{}", "kept['last'] = y.detach()", "changes `kept` outside of it"),
    ("0", "global kept; kept += 1", "changes `kept` outside of it"),
    ("torch.zeros(1, 5)", "kept.add_(y)", "changes `kept` outside of it"),
    ("None", "x.clamp_(min=0)", "writes into its input"),
    ("None", "self.seen = y; self.features[5].seen = y", "changes its own `seen`"),
    ("None", "self.sums.append(1)", "changes its own `sums`"),
])  # fmt: skip
def test_what_the_npu_would_not_change_is_left_to_pytorch(script, kept, change, reason):
    loop = NETWORK + f"""
kept = {kept}

class Changing(Small):
    def __init__(self):
        super().__init__()
        self.sums = []

    def forward(self, x):
        y = super().forward(x)
        {change}
        return y

model = Changing().eval()
x = images(7)
with torch.no_grad():
    y = [model(each) for each in x]
print(kept, x, y, model.sums, model.features[5])
"""
    run = script.ok(loop)
    assert run.stdout == script.ok(loop, hook=False).stdout
    assert "runs untouched" in run.report and reason in run.report, run.stderr


def test_what_is_kept_outside_for_the_next_call_is_no_change(script):
    """A table for each size, made in the first call of that size: calotype's own sizes are not left in it."""
    loop = NETWORK + """
tables = {}

class Keeping(Small):
    def forward(self, x):
        size = x.shape[-1]
        if size not in tables:
            tables[size] = torch.linspace(0, 1, size)
        return super().forward(x * tables[size])

model = Keeping().eval()
with torch.no_grad():
    for each in images(6):
        model(each)
print(tables)
"""
    run = script.ok(loop)
    assert run.samples() == (4, 2), run.stderr
    assert run.stdout == script.ok(loop, hook=False).stdout


def test_what_a_module_keeps_for_each_size_is_no_change(script):
    """Also its own attributes: the first output of the next run is the NPU's."""
    loop = NETWORK + """
class Keeping(Small):
    table = None

    def forward(self, x):
        if self.table is None or self.table.shape[-1] != x.shape[-1]:
            self.table = torch.linspace(0, 1, x.shape[-1])
        return super().forward(x * self.table)

model = Keeping().eval()
with torch.no_grad():
    for each in images(6):
        model(each)
"""
    assert script.ok(loop).samples() == (4, 2)
    assert script.ok(loop).samples() == (0, 6)


def test_results_without_a_gradient_have_none(script):
    """`.numpy()` of one that requires a gradient raises. The second run sees no FP32 result of the module."""
    loop = NETWORK + """
class Detached(Small):
    @torch.no_grad()
    def forward(self, x):
        return super().forward(x)

class Both(Small):
    def forward(self, x):
        y = super().forward(x)
        return y, y.detach()

for model in (Detached().eval(), Both().eval()):
    for each in images(6):
        y = model(each)
    print([each.requires_grad for each in y], y[-1].numpy().shape)
"""
    for samples in ((4, 2), (0, 6)):
        run = script.ok(loop)
        assert run.stdout == "[False] (5,)\n[True, False] (1, 5)\n"
        assert [run.samples(i) for i in (0, 1)] == [samples] * 2, run.stderr


def test_results_lie_in_memory_as_they_did(script):
    loop = NETWORK + """
model = nn.Conv2d(3, 8, 3).eval().to(memory_format=torch.channels_last)
with torch.no_grad():
    for each in images(6):
        y = model(each.to(memory_format=torch.channels_last))
        print(y.stride(), y.permute(0, 2, 3, 1).view(-1, 8).shape)
"""
    run = script.ok(loop)
    assert run.stdout == script.ok(loop, hook=False).stdout
    assert run.samples() == (4, 2), run.stderr


def test_one_call_that_cannot_be_taken_leaves_the_others(script):
    """A wrong argument, a hook for one call, a mode that looks at the operators, a forward derivative."""
    loop = NETWORK + """
from torch.autograd import forward_ad
from torch.utils.flop_counter import FlopCounterMode

model = Small().eval()
with torch.no_grad():
    for each in images(5):
        for wrong in (None, each.numpy(), each[:, :1]):
            try:
                model(wrong)
            except (TypeError, RuntimeError) as reason:
                print(type(reason).__name__)
        model(each)
    heard = []
    for register in (model.head.register_forward_hook, nn.modules.module.register_module_forward_hook):
        handle = register(lambda module, *_: heard.append(type(module).__name__))
        model(each)
        handle.remove()
    print(heard)
    with FlopCounterMode(display=False) as counter:
        model(each)
    print(counter.get_total_flops())
    with forward_ad.dual_level():
        print(forward_ad.unpack_dual(model(forward_ad.make_dual(each, each))).tangent)
    model(each)
"""
    run = script.ok(loop)
    assert run.stdout == script.ok(loop, hook=False).stdout
    assert run.samples()[1] == 2, run.stderr
    for reason in ("a module of it has a hook", "its arguments hold no tensor", "numpy.ndarray", "looks at each operator"):
        assert reason in run.report, run.stderr


def test_a_network_that_changes_and_comes_back_is_recorded_anew(script):
    loop = NETWORK + """
model = Small().eval()
x = images(7)
with torch.no_grad():
    model(x[0])
    model.train()
    model.eval()
    model(x[1])
    before = model.head.bias.clone()
    model.head.bias.add_(1)
    model(x[2])
    model.head.bias.copy_(before)
    y = [model(each) for each in x]
"""
    run = script.ok(loop)
    assert [run.samples(0), run.samples(1)] == [(6, 3), (1, 0)], run.stderr


def test_the_script_decides_how_long_a_module_lives(script):
    loop = NETWORK + """
import gc, weakref

for count in (6, 2):
    model = Small().eval()
    with torch.no_grad():
        for each in images(count):
            model(each)
    seen = weakref.ref(model)
    del model
    gc.collect()
    print(seen())
"""
    assert script.ok(loop).stdout == "None\nNone\n"


def test_a_branch_on_sizes_that_no_recorded_sample_takes_is_left_to_pytorch(script):
    """The exported file knows one branch; a number among the results is the recorded batch's."""
    conditions = ("x.shape[-1] < 60", "x.shape[-1] <= x.shape[-2]", "x.shape[-1] % 32", "x.shape[0] != 7")
    classes = "".join(f"""
class Net{i}(Small):
    def forward(self, x):
        y = super().forward(x)
        return {{"y": y if {condition} else -y, "count": 0}}
""" for i, condition in enumerate(conditions))  # fmt: skip
    loop = NETWORK + classes + """
class Counting(Small):
    def forward(self, x):
        return {"y": super().forward(x), "count": x.shape[0]}

for kind in (Net0, Net1, Net2, Net3, Counting):
    model = kind().eval()
    with torch.no_grad():
        for each in images(5):
            model(each)
        for size in ((2, 3, 16, 16), (7, 3, 16, 16), (1, 3, 16, 32), (1, 3, 24, 64), (1, 3, 24, 20)):
            y = model(*images(1, *size))
            print(kind.__name__, size, y["count"], y["y"][:, 0].sign())
"""
    run = script.ok(loop)
    assert run.stdout == script.ok(loop, hook=False).stdout
    assert all(run.samples(i)[1] >= 1 for i in range(5)), run.stderr
    assert all(run.samples(i)[1] >= 6 for i in range(4)), run.stderr
    assert "its program looks at sizes" in run.report


def test_scripts_with_defaults_and_branches_on_sizes(script):
    loop = NETWORK + """
class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 8, 3)

    def forward(self, x, scale: float = 2.0):
        return self.layer(x) * scale

class Branching(Scaled):
    def forward(self, x, scale: float = 2.0):
        return self.layer(x) * (scale if x.shape[0] < 4 else -scale)

for kind in (Scaled, Branching):
    model = torch.jit.script(kind().eval())
    with torch.no_grad():
        for each in images(6):
            y = model(each)
        print(model(torch.ones(6, 3, 16, 16)).mean((1, 2, 3)).sign())
"""
    run = script.ok(loop)
    assert run.stdout == script.ok(loop, hook=False).stdout
    assert [run.samples(i) for i in (0, 1)] == [(4, 8), (10, 2)], run.stderr


def test_a_program_of_torch_export_is_left_to_pytorch(script):
    loop = NETWORK + """
model = torch.export.export(Small().eval(), (images(1)[0],)).module()
with torch.no_grad():
    print([model(each).sum() for each in images(5)])
"""
    run = script.ok(loop)
    assert run.stdout == script.ok(loop, hook=False).stdout
    assert "runs untouched: it is a program of torch.export" in run.report, run.stderr
