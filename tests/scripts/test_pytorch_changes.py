"""PyTorch scripts whose networks change between calls, or keep something from one to the next."""

import numpy as np
import pytest
from pytorch_script import NETWORK, outputs


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
    assert [run.samples(i) for i in range(2)] == [(1, 0), (4, 3)], run.stderr
    assert run.networks("Step (PyTorch)") == 8 and run.report.count("and 6 networks more like this: 6 samples in FP32") == 1
    assert run.report.count("calls in other forms than the first 8") == 2  # at once, and at the end


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


def test_other_threads_go_on_while_a_network_is_compiled(script):
    """What they print is the script's, and their own networks are recorded and compiled in their turn. Compiling makes
    copies of `config`, in whose class Python leaves a note: the network is the same."""
    loop = NETWORK + """
import threading, time

class Config:
    scale = 2

class Scaled(Small):
    def __init__(self):
        super().__init__()
        self.config = Config()

    def forward(self, x):
        return super().forward(x) * self.config.scale

def answer(model):
    for each in x:
        model(each)

def tell():
    for i in range(400):
        print(i, flush=i % 7 == 0)
        time.sleep(0.005)

x = images(6)
threads = [threading.Thread(target=answer, args=(kind().eval(),)) for kind in (Small, Scaled)]
for each in threads:
    each.start()
tell()
for each in threads:
    each.join()
"""
    run = script.ok(loop)
    assert run.stdout == "".join(f"{i}\n" for i in range(400))
    assert [run.samples(i) for i in (0, 1)] == [(4, 2)] * 2, run.stderr


def test_a_hook_that_a_call_registers_is_called_from_then_on(script):
    loop = NETWORK + """
class Hooking(Small):
    calls = 0

    def forward(self, x):
        Hooking.calls += 1
        if Hooking.calls == 2:
            self.head.register_forward_hook(lambda *_: print("called"))
        return super().forward(x)

model = Hooking().eval()
with torch.no_grad():
    for each in images(7):
        model(each)
"""
    run = script.ok(loop)
    assert run.stdout == script.ok(loop, hook=False).stdout == "called\n" * 6, run.stderr
