"""Weights that a hook of PyTorch's own makes of others before each call: weight_norm and spectral_norm of the old style, and
pruning. They are no hooks of the script: without them, and with the weights that they make, a module computes the same."""

import torch
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

MAKERS = (WeightNorm, SpectralNorm, BasePruningMethod)


def makers_of(part: torch.nn.Module) -> list[tuple[str, object]]:
    """(name of the weight, its hook)."""
    hooks = part.__dict__.get("_forward_pre_hooks")
    return [(name_of(hook), hook) for hook in hooks.values() if isinstance(hook, MAKERS)] if hooks else []


def name_of(maker) -> str:
    return maker._tensor_name if isinstance(maker, BasePruningMethod) else maker.name


def only_makers(hooks: dict) -> bool:
    return all(isinstance(hook, MAKERS) for hook in hooks.values())


def made_weights(module: torch.nn.Module) -> list[torch.Tensor]:
    """As the latest call left them."""
    return [vars(part)[name] for part in module.modules() for name, _ in makers_of(part) if name in vars(part)]


def keep_made_weights(module: torch.nn.Module) -> None:
    """Makes each once more, for good."""
    for part in module.modules():
        for number, hook in list(part.__dict__.get("_forward_pre_hooks", {}).items()):
            if isinstance(hook, MAKERS):
                hook.remove(part)
                del part._forward_pre_hooks[number]
