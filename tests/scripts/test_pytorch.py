"""PyTorch scripts under the hook."""

import re

import numpy as np
import pytest
from pytorch_script import LOOP, NETWORK, outputs

import calotype


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


def test_a_program_of_torch_export_is_left_to_pytorch(script):
    loop = NETWORK + """
model = torch.export.export(Small().eval(), (images(1)[0],)).module()
with torch.no_grad():
    print([model(each).sum() for each in images(5)])
"""
    run = script.ok(loop)
    assert run.stdout == script.ok(loop, hook=False).stdout
    assert "runs untouched: it is a program of torch.export" in run.report, run.stderr


def test_results_that_are_one_object_stay_one(script):
    """In double precision besides. A loss of the script may compare with the input that it gets back, and gradients are
    PyTorch's."""
    loop = NETWORK + """
class Several(Small):
    def forward(self, x):
        y = super().forward(x)
        return {"y": y, "x": x, "again": [y, y.relu()]}

model = Several().double().eval()
x = [each.double() for each in images(6)]
for each in x:
    found = model(each)
    print(found["x"] is each, found["again"][0] is found["y"], found["y"].dtype)
(found["again"][0].sum() + 2 * found["again"][1].sum()).backward()
np.savez("outputs.npz", y=model.head.weight.grad)
"""
    plain = script.ok(loop, hook=False)
    gradient = outputs(script)
    for samples in ((4, 2), (0, 6)):
        run = script.ok(loop)
        assert run.stdout == plain.stdout and run.samples() == samples, run.stderr
        np.testing.assert_allclose(outputs(script), gradient)


@pytest.mark.parametrize("mode", ["torch.no_grad", "torch.enable_grad"])
def test_results_that_show_one_memory_still_do(script, mode):
    """In another shape, or without the gradient: the script may write into one and read the other."""
    loop = NETWORK + f"""
class Shown(Small):
    def forward(self, x):
        y = self.features[:3](x)
        return y, y.flatten(1), y.detach(), y * 2, x.flatten(1)

model = Shown().eval()
with {mode}():
    for x in images(6):
        y, flat, plain, twice, more = model(x)
        with torch.no_grad():
            y.fill_(1)
            more.fill_(2)
        print(flat.shape, *[float(each.detach().mean()) for each in (y, flat, plain, x)], float(twice.detach().mean()) != 2)
        print(*[each.requires_grad for each in (y, flat, plain, twice, more)])
"""
    plain = script.ok(loop, hook=False)
    for samples in ((4, 2), (0, 6)):
        run = script.ok(loop)
        assert run.stdout == plain.stdout and run.samples() == samples, run.stderr


def test_a_script_in_inference_mode_that_times_one_image(script):
    """The copy that is exported is none of inference mode, whose tensors the better exporter refuses; the other one takes no
    module for which all recorded inputs are one."""
    loop = NETWORK + """
model = Small().eval()
x = images(1)[0]
with torch.inference_mode():
    y = [model(x) for _ in range(6)]
    model.train()
    y += [model(x) for _ in range(6)]
print(all(each.is_inference() for each in y))
"""
    run = script.ok(loop)
    assert run.stdout == "True\n" and run.samples() == (4, 8), run.stderr


def test_a_script_that_cannot_be_copied(script):
    loop = NETWORK + """
model = torch.jit.optimize_for_inference(torch.jit.script(Small().eval()))
with torch.no_grad():
    print([model(each) for each in images(5)])
"""
    run = script.ok(loop)
    assert run.stdout == script.ok(loop, hook=False).stdout
    assert run.samples() == (5, 0) and "as scripts of torch.jit.optimize_for_inference cannot" in run.report, run.stderr
