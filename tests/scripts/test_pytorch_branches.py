"""PyTorch scripts whose networks branch on data or sizes, and calls of other sizes."""

import numpy as np
from pytorch_script import NETWORK, outputs


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
