"""What a module keeps from call to call: the NPU computes results and nothing else."""

import torch

from calotype.hook.torch_key import INTERNAL, Fingerprint, digest_of, script_attributes


class Kept(Fingerprint):
    """Of one attribute. Code cannot change in a call, and modules are asked themselves."""

    def type(self, cls: type) -> None:
        self.text(cls.__module__, cls.__qualname__)

    def function(self, function) -> None:
        self.text(function.__module__, function.__qualname__)

    def content(self, value) -> None:
        if not isinstance(value, torch.nn.Module):
            super().content(value)


def state_of(module: torch.nn.Module) -> dict[str, bytes]:
    """A digest of each attribute, by its name."""
    return {
        ".".join(part for part in (place, name) if part): digest
        for place, part in module.named_modules()
        for name, digest in attributes_of(part)
    }


def attributes_of(part: torch.nn.Module):
    for name, tensor in (*part.named_parameters(recurse=False), *part.named_buffers(recurse=False)):
        yield name, digest_of(tensor)
    if isinstance(part, torch.jit.ScriptModule):
        graph = getattr(part, "inlined_graph", None)
        kept = script_attributes(part, graph) if graph is not None else []
    else:
        kept = [pair for pair in vars(part).items() if pair[0] not in INTERNAL | {"_parameters", "_buffers", "_modules"}]
    for name, value in kept:
        fingerprint = Kept()
        fingerprint.take(value)
        yield name, fingerprint.digest.digest()
