"""What makes a PyTorch module another network, for the cache and within a run."""

from test_pytorch import NETWORK

# (first, second) for the attribute `part` of two networks that are alike otherwise.
DIFFERENT = [
    ("torch.relu", "torch.tanh"),
    ("torch.Tensor.relu", "torch.Tensor.tanh"),
    ("torch.ops.aten.relu", "torch.ops.aten.tanh"),
    ("np.tanh", "np.sin"),
    ("np.float32(1)", "np.float32(2)"),
    ("slice(0, 2)", "slice(0, 3)"),
    ("range(2)", "range(3)"),
    ("deque([1])", "deque([2])"),
    ("Fraction(1, 2)", "Fraction(1, 3)"),
    ("torch.distributions.Normal(0.0, 1.0)", "torch.distributions.Normal(0.0, 2.0)"),
    ("torch.eye(2).to_sparse()", "torch.eye(2).mul(2).to_sparse()"),
    ("[nn.Linear(2, 2)]", "[nn.Linear(2, 2)]"),  # not registered, with weights of its own
    ("TABLE['a']", "TABLE['b']"),  # of objects that are met before
    ("Scale(2).of", "Scale(3).of"),
    ("Slots(2)", "Slots(3)"),
    ("scripted(2.0)", "scripted(3.0)"),
    ("torch.jit.trace(Scaled(2.5), torch.ones(1, 2))", "torch.jit.trace(Scaled(3.5), torch.ones(1, 2))"),
    ("torch.fx.symbolic_trace(Scaled(2.5))", "torch.fx.symbolic_trace(Scaled(3.5))"),
    ("half(torch.tensor(2.0))", "half(torch.tensor(3.0))"),
]


def test_attributes_that_differ_make_different_networks(script):
    pairs = ", ".join(f"(lambda: {a}, lambda: {b})" for a, b in DIFFERENT)
    loop = NETWORK + f"""
from collections import deque
from fractions import Fraction

TABLE = {{"a": lambda x: x.relu(), "b": lambda x: x.tanh()}}

class Scale:
    def __init__(self, by):
        self.by = by

    def of(self, x):
        return x * self.by

class Slots:
    __slots__ = ("by",)

    def __init__(self, by):
        self.by = by

class Scaled(nn.Module):
    def __init__(self, by):
        super().__init__()
        self.by = by

    def forward(self, x):
        return x * self.by

def scripted(by):
    return torch.jit.script(Scaled(by))

def half(tensor):
    return nn.Parameter(tensor.bfloat16())

class Net(Small):
    def forward(self, x):
        return super().forward(x) if x.numel() else (TABLE, self.part)

state = Small().state_dict()
x = images(1)[0]
for number, pair in enumerate([{pairs}]):
    kind = type(f"Net{{number}}", (Net,), {{}})
    for made in pair:
        model = kind().eval()
        model.load_state_dict(state)
        model.part = made()
        model(x)
"""
    run = script.ok(loop)
    alike = [pair for i, pair in enumerate(DIFFERENT) if run.networks(f"Net{i} (PyTorch)") != 2]
    assert not alike, run.stderr


def test_code_and_constants_of_the_scripts_own_modules_count(script):
    loop = NETWORK + """
import helpers

class Net(Small):
    def forward(self, x):
        return helpers.ends.finish(super().forward(x))

unrelated = sys.argv
head = [object()]  # a global with the name of an attribute
model = Net().eval()
with torch.no_grad():
    for each in images(5):
        y = model(each)
"""
    package = script.folder / "helpers"
    package.mkdir()
    (package / "__init__.py").write_text("from helpers import ends\n")
    for scale, rest in ((2, ""), (3, "  # another")):
        (package / "ends.py").write_text(f"SCALE = {scale}\ndef finish(y):\n    return y * SCALE{rest}\n")
        assert script.ok(loop).samples() == (4, 1)
    assert script.ok(loop, "another argument").samples() == (0, 5)


def test_weights_of_hidden_modules_count_and_are_watched(script):
    """In a list, or global: no parameters of the module, but what it computes with."""
    loop = NETWORK + """
finish = nn.Linear(5, 5)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 3, 1)
        self.hidden = [Small().eval()]

    def forward(self, x):
        return finish(self.hidden[0](self.first(x)))

model = Net().eval()
def run():
    with torch.no_grad():
        return torch.cat([model(each) for each in images(5)])

run()
with torch.no_grad():
    model.hidden[0].head.weight.add_(1)
run()
with torch.no_grad():
    finish.bias.add_(1)
np.savez("outputs.npz", y=run())
"""
    run = script.ok(loop)
    assert [run.samples(i) for i in range(3)] == [(4, 1)] * 3, run.stderr
    assert [script.ok(loop).samples(i) for i in range(3)] == [(0, 5)] * 3


# Each of them between two calls of a network: (what is set up, the change).
CHANGES = [
    ("", "vars(model.features[0]).update(padding=(0, 0))"),
    ("", "model.features[0].__dict__['dilation'] = (2, 2)"),
    ("", "Net.scale = 2"),
    ("", "global SCALE; SCALE = 2"),
    ("", "CONFIG['scale'] = 2"),
    ("", "CONFIG['more'].append(2)"),
    ("", "helpers.scale = 2"),
    ("", "Net.finish = lambda self, y: y"),
    ("model.config = Config()", "model.config.scale = 2"),
    ("model.config = {'a': [1, 2]}", "model.config['a'][1] = 3"),
    ("model.mean = torch.ones(5)", "model.mean.add_(1)"),
    ("model.mean = [torch.ones(5)]", "model.mean[0].add_(1)"),
    ("model.mean = np.ones(5)", "model.mean[3] = 2"),
    ("model.mean = np.ones((32, 16))[:, ::2]", "model.mean[21, 3] = 2"),
    ("model.head = torch.jit.script(Scaled(2.0))", "model.head.by = 3.0"),
    ("model.head = torch.jit.script(Scaled(2.0))", "model.head.linear.weight = nn.Parameter(torch.ones(5, 16))"),
]


def test_what_counts_is_watched(script):
    changes = "".join(f"""
    def set_up(model):
        {set_up or "pass"}

    def change(model):
        {change}
    yield set_up, change
""" for set_up, change in CHANGES)  # fmt: skip
    loop = NETWORK + f"""
import types

SCALE = 1
CONFIG = {{"scale": 1, "more": [1]}}
helpers = types.ModuleType("helpers")
helpers.scale = 1

class Config:
    scale = 1

class Scaled(nn.Module):
    def __init__(self, by):
        super().__init__()
        self.linear = nn.Linear(16, 5)
        self.by = by

    def forward(self, x):
        return self.linear(x) * self.by

def changes():{changes}

for number, (set_up, change) in enumerate(changes()):
    class Net(Small):
        scale = 1

        def finish(self, y):
            if not y.numel():
                return self.config, self.mean
            return nn.functional.relu(y) * SCALE * CONFIG["scale"] * len(CONFIG["more"]) * helpers.scale * self.scale

        def forward(self, x):
            return self.finish(super().forward(x))

    Net.__name__ = f"Net{{number}}"
    model = Net().eval()
    set_up(model)
    with torch.no_grad():
        for x in images(2):
            model(x)
        change(model)
        for x in images(2):
            model(x)
"""
    run = script.ok(loop)
    missed = [change for i, change in enumerate(CHANGES) if run.networks(f"Net{i} (PyTorch)") != 2]
    assert not missed, run.stderr


def test_attributes_that_no_code_names_do_not_count(script):
    """As of a trainer: what it logs, where it is."""
    loop = NETWORK + """
class Trained(Small):
    def __init__(self):
        super().__init__()
        self.logged, self.trainer, self.dir = {}, None, "."

    def log(self, name, value):
        self.logged.setdefault(name, []).append(float(value))

    def forward(self, x):
        return super().forward(x) if self.eval() else self.dir

class Trainer:
    step = 0

model = Trained().eval()
model.trainer = Trainer()
with torch.no_grad():
    for model.trainer.step, x in enumerate(images(8)):
        model.log("mean", model(x).mean())
        model.latest = model.trainer.step
print(len(model.logged["mean"]), sys.argv[1:])
"""
    run = script.ok(loop)
    assert run.stdout == "8 []\n" and run.samples() == (4, 4) and run.compiled == 1, run.stderr
    assert script.ok(loop, "again").samples() == (0, 8)


# How a program reads its module's attribute `scale`.
READ = [
    "y * self.scale",
    "y * getattr(self, 'sc' + 'ale')",
    "y * vars(self)['scale']",
    "y * self.__dict__['scale']",
    "y * operator.attrgetter('scale')(self)",
    "y * by_match(self)",
    "y * self.property",
    "y * scale_of(self)",
    "y * self.inherited()",
    "y * packaged.scale_of(self)",
    "y * self.late()",
    "y * eval('self.scale')",
    "y * (self.scale if hasattr(self, 'sca' + 'le') else 1)",
]


def test_attributes_count_however_they_are_read(script):
    package = script.folder / "site-packages"
    package.mkdir()
    (package / "packaged.py").write_text("""
import torch

class Base(torch.nn.Module):
    def inherited(self):
        return self.inner()

    def inner(self):
        return self.scale

def scale_of(module):
    return module.scale
""")
    reads = "".join(f"""
    class Net{i}(Base):
        def forward(self, x):
            y = super().forward(x)
            return {read}
    yield Net{i}
""" for i, read in enumerate(READ))  # fmt: skip
    loop = NETWORK + f"""
import operator
sys.path.append("site-packages")
import packaged

def by_match(module):
    match module:
        case nn.Module(scale=scale):
            return scale

def scale_of(module):
    return module.scale

class Base(packaged.Base):
    def __init__(self):
        super().__init__()
        self.small = Small()
        self.scale, self.other = 1, 1
        self.late = lambda: self.scale

    @property
    def property(self):
        return self.scale

    def forward(self, x):
        return self.small(x)

def networks():{reads}

for kind in networks():
    model = kind().eval()
    with torch.no_grad():
        for model.scale in (1, 2):
            for x in images(2):
                model(x)
                model.scale = model.scale * 1.0
"""
    run = script.ok(loop)
    missed = [read for i, read in enumerate(READ) if run.networks(f"Net{i} (PyTorch)") != 2]
    assert not missed, run.stderr


def test_what_python_notes_on_a_class_does_not_count(script):
    """It keeps the names of slots on the class of an object that is copied, as every exported module is."""
    loop = NETWORK + """
class Config:
    def __init__(self):
        self.scale = 2

    def named(self, name):
        return getattr(self, name)

class Net(Small):
    def __init__(self):
        super().__init__()
        self.config = Config()

    def forward(self, x):
        return super().forward(x) * self.config.named("scale")

model = Net().eval()
with torch.no_grad():
    for each in images(6):
        model(each)
"""
    assert script.ok(loop).samples() == (4, 2)
    assert script.ok(loop).samples() == (0, 6)
