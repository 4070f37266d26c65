"""Results of the NPU that still have a gradient: the script may call backward later, and gets PyTorch's own gradient of its
FP32 network at the same inputs. What the NPU computed has none of its own."""

import torch

from calotype.hook.guard import inside


class Answer(torch.autograd.Function):
    """`original` gives the tensors of PyTorch's own result. `anchor` is a parameter that requires a gradient: through it the
    results do, too. They come as a list, since a tensor that goes in and comes out is a view to PyTorch, which the script
    could not write into."""

    @staticmethod
    def forward(ctx, original, anchor, results: list, wanted: list[bool]):
        ctx.original = original
        ctx.mark_non_differentiable(*(each for each, has_one in zip(results, wanted) if not has_one))
        return tuple(results)

    @staticmethod
    def backward(ctx, *gradients):
        with torch.enable_grad(), inside:
            wanted = [(t, g) for t, g in zip(ctx.original(), gradients) if t.requires_grad and g is not None]
            torch.autograd.backward([t for t, _ in wanted], [g for _, g in wanted])
        return None, None, None, None


def with_gradient(tensors: list, original, anchor: torch.Tensor, wanted: list[bool]) -> list:
    """`wanted` are those that have a gradient in FP32: the others may go to NumPy without detach()."""
    return list(Answer.apply(original, anchor, tensors, wanted)) if any(wanted) else tensors
