"""python -m bench.families.ideal NAME...: what 8 bits can give a network, without calotype.

PyTorch computes in FP32 and rounds weights (a scale a channel) and the outputs of activations, pools, gates and blocks to
8 bits. Printed are, in dB against FP32 on the evaluation samples: what noise of 40 dB behind the first convolution has
become at the output; and the rounding with ranges of the evaluation samples themselves and of the calibration samples,
with a scale a channel and a scale a tensor.
"""

import copy
import sys

import numpy as np
import torch
from torch import nn

from bench.families.blocks import SqueezeExcite
from bench.families.catalogue import chosen
from bench.families.images import images
from bench.families.measure import CALIBRATION_SAMPLES, CALIBRATION_SEED, EVALUATION_SAMPLES, EVALUATION_SEED
from bench.families.weights import ready

ROUNDED = (nn.SiLU, nn.Hardswish, nn.ReLU, nn.ReLU6, nn.Sigmoid, nn.Hardsigmoid, nn.AdaptiveAvgPool2d, SqueezeExcite)


def fused(network: nn.Module) -> nn.Module:
    """BatchNormalization in the convolution before it, as every compiler has it."""
    network = copy.deepcopy(network).eval()
    for module in network.modules():
        parts = list(module._modules.items()) if isinstance(module, nn.Sequential) else []
        for (first, conv), (second, norm) in zip(parts, parts[1:]):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                module._modules[first] = nn.utils.fuse_conv_bn_eval(conv, norm)
                module._modules[second] = nn.Identity()
    return network


def rounded_modules(network: nn.Module) -> dict[str, nn.Module]:
    """Activations, pools and gates, blocks with a shortcut, and convolutions that nothing follows."""
    return {name: module for name, module in network.named_modules()
            if isinstance(module, ROUNDED) or hasattr(module, "shortcut")
            or (isinstance(module, nn.Sequential) and len(module) == 2 and isinstance(module[1], nn.Identity))}


def outputs_of(network: nn.Module, samples: np.ndarray) -> torch.Tensor:
    with torch.no_grad():
        return torch.cat([network(torch.from_numpy(sample[None])) for sample in samples])


def ranges_of(network: nn.Module, samples: np.ndarray, per_channel: bool) -> dict[str, tuple]:
    ranges, hooks = {}, []
    for name, module in rounded_modules(network).items():
        def see(_module, _inputs, output, name=name):
            axes = [0, *range(2, output.dim())] if per_channel else list(range(output.dim()))
            lo, hi = output.amin(axes, keepdim=True).clamp(max=0), output.amax(axes, keepdim=True).clamp(min=0)
            known = ranges.get(name, (lo, hi))
            ranges[name] = (torch.minimum(known[0], lo), torch.maximum(known[1], hi))
        hooks.append(module.register_forward_hook(see))
    outputs_of(network, samples)
    for hook in hooks:
        hook.remove()
    return ranges


def rounded(network: nn.Module, ranges: dict[str, tuple]) -> nn.Module:
    network = copy.deepcopy(network)
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            weights = module.weight.data
            step = weights.abs().amax(list(range(1, weights.dim())), keepdim=True).clamp(min=1e-12) / 127
            module.weight.data = torch.round(weights / step) * step
    for name, module in rounded_modules(network).items():
        def to_codes_and_back(_module, _inputs, output, name=name):
            lo, hi = ranges[name]
            step = (hi - lo).clamp(min=1e-9) / 255
            zero = torch.round(-lo / step)
            return (torch.clamp(torch.round(output / step) + zero, 0, 255) - zero) * step
        module.register_forward_hook(to_codes_and_back)
    return network


def noisy(network: nn.Module, decibels: float) -> nn.Module:
    network, random = copy.deepcopy(network), torch.Generator().manual_seed(0)
    first = next(iter(rounded_modules(network).values()))
    first.register_forward_hook(lambda _module, _inputs, output: output + torch.randn(
        output.shape, generator=random) * output.square().mean().sqrt() * 10 ** (-decibels / 20))
    return network


def snr_db(exact: torch.Tensor, found: torch.Tensor) -> float:
    return 10 * np.log10(float(exact.square().sum() / (exact - found).square().sum()))


def main() -> int:
    torch.set_num_threads(1)
    print(f"{'family':16s} {'40 dB':>6s}   evaluation's ranges: channel tensor   calibration's: channel tensor")
    for family in chosen(sys.argv[1:] or None):
        network = fused(ready(family))
        calibration = images(family.shape, CALIBRATION_SAMPLES, CALIBRATION_SEED)
        evaluation = images(family.shape, EVALUATION_SAMPLES, EVALUATION_SEED)
        exact = outputs_of(network, evaluation)
        made = [snr_db(exact, outputs_of(rounded(network, ranges_of(network, samples, per_channel)), evaluation))
                for samples in (evaluation, calibration) for per_channel in (True, False)]
        print(f"{family.name:16s} {snr_db(exact, outputs_of(noisy(network, 40), evaluation)):6.1f}   "
              f"{made[0]:27.1f} {made[1]:6.1f}   {made[2]:22.1f} {made[3]:6.1f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
