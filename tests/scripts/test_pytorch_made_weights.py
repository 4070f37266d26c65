"""PyTorch scripts whose weights are made of others before each call, by hooks of PyTorch's own."""

import numpy as np
from pytorch_script import NETWORK, outputs


def test_weight_norm_spectral_norm_and_pruning(script):
    loop = NETWORK + """
import warnings
from torch.nn.utils import prune, spectral_norm, weight_norm
warnings.simplefilter("ignore")

torch.seed()  # what is made of these weights is there until the first call
model = Small().eval()
weight_norm(model.features[0])
spectral_norm(model.features[3])
prune.l1_unstructured(prune.random_unstructured(model.head, "bias", 0.3), "weight", 0.5)
torch.manual_seed(6)
model.load_state_dict({name: (torch.rand_like(value.float()) + 0.2).round() if "mask" in name else torch.rand_like(value.float())
                       for name, value in model.state_dict().items()})
x = images(6)
with torch.no_grad():
    y = [model(each) for each in x]
    hook = model.head.register_forward_pre_hook(lambda *_: print("called"))
    model(x[0])
    hook.remove()
    y.append(model(x[1]))
    model.features[0].weight_g.mul_(2)
    y.append(model(x[2]))
np.savez("outputs.npz", y=torch.cat(y))
"""
    script.ok(loop, hook=False)
    fp32 = outputs(script)
    run = script.ok(loop)
    npu = outputs(script)
    assert run.stdout == "called\n" and [run.samples(i) for i in (0, 1)] == [(5, 3), (1, 0)], run.stderr
    np.testing.assert_array_equal(npu[[0, 1, 2, 3, 7]], fp32[[0, 1, 2, 3, 7]])
    np.testing.assert_allclose(npu, fp32, atol=0.03 * np.abs(fp32).max())  # 8 bits
    assert script.ok(loop).samples() == (1, 7)  # the hooked call
