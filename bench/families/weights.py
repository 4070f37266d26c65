"""Random weights with which a network computes what a trained one would: values of ordinary size everywhere, unlike
channels, and BatchNormalization statistics that are those of its inputs."""

import zlib

import numpy as np
import torch
from torch import nn

from bench.families.family import Family
from bench.families.images import images

STATISTICS_IMAGES, STATISTICS_SEED = 32, 1


def _spread(size: int, generator: torch.Generator) -> torch.Tensor:
    """Factors around 1 with the long tail that trained channels have."""
    return torch.exp(0.35 * torch.randn(size, generator=generator))


def _fill(module: nn.Module, generator: torch.Generator) -> None:
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        weight = module.weight
        inputs = weight.shape[0] if isinstance(module, nn.ConvTranspose2d) else weight[0].numel()
        weight.copy_(torch.randn(weight.shape, generator=generator) * (2 / inputs) ** 0.5)  # what a ReLU halves
        if module.bias is not None:
            mean = getattr(module, "bias_mean", 0)  # a detector's prior
            module.bias.copy_(mean + 0.1 * torch.randn(module.bias.shape, generator=generator))
    elif isinstance(module, nn.BatchNorm2d):
        module.weight.copy_(_spread(module.num_features, generator))
        module.bias.copy_(0.3 * torch.randn(module.num_features, generator=generator))
        module.momentum = None  # the running statistics become those of the one batch below
    elif isinstance(module, nn.LayerNorm):
        module.weight.copy_(_spread(module.weight.numel(), generator))
        module.bias.copy_(0.1 * torch.randn(module.bias.shape, generator=generator))
    elif isinstance(module, nn.LSTM):
        for name, parameter in module.named_parameters():
            scale = 0.1 if "bias" in name else parameter.shape[1] ** -0.5
            parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))


def ready(family: Family) -> nn.Module:
    """The network in inference mode: the same weights at every call, on every machine."""
    seed = zlib.crc32(family.name.encode())
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)  # what a module draws for itself (class tokens, position embeddings)
    network = family.build()
    with torch.no_grad():
        for module in network.modules():
            _fill(module, generator)
        network.train()
        for module in network.modules():
            if isinstance(module, nn.Dropout):
                module.eval()
        network(torch.from_numpy(images(family.shape, STATISTICS_IMAGES, STATISTICS_SEED)))
    return network.eval()


def outputs_of(network: nn.Module, samples: np.ndarray) -> list[np.ndarray]:
    """What PyTorch itself gives for the samples, one array an output."""
    with torch.no_grad():
        outputs = network(torch.from_numpy(samples))
    return [value.numpy() for value in (outputs if isinstance(outputs, (tuple, list)) else [outputs])]
