"""What stands between one module of the script and its networks: one for each form of its arguments."""

import json

import torch

from calotype.hook import session as run
from calotype.hook import structure
from calotype.hook.messages import is_users, say_once
from calotype.hook.state import Network, Untouched
from calotype.hook.torch_source import ModuleSource, is_array
from calotype.hook.torch_watch import Watch

MOST_CHANGES = 8
MOST_FORMS = 8  # of arguments: a number among them that counts up makes a network of each call
TRAINING_MODE = (
    "the model is in training mode, the NPU runs inference: call model.eval() to make the FP32 reference comparable"
)


class Slot:
    """A network, and whether the module is still the one it was made of."""

    def __init__(self, source: ModuleSource, network: Network, watch: Watch):
        self.source = source
        self.network = network
        self.watch = watch


class Target:
    def __init__(self, inner: torch.nn.Module):
        self.name = f"{getattr(inner, 'original_name', type(inner).__name__)} (PyTorch)"
        self.inner = inner
        self.latest: Network | None = None  # of the latest call
        self.slots: dict = {}
        self.reason = ""  # why PyTorch answers alone from now on
        self.changes = 0

    def call(self, args: tuple, kwargs: dict, training: str, original):
        """The result of the module's outermost call; `original` is the call itself."""
        if self.reason:
            return self.untouched(args, original)
        try:
            slot, tensors = self.find(args, kwargs, training)
        except Exception as reason:
            if is_users(reason):
                raise reason.with_traceback(None) from None  # where in the script it is, not where in calotype
            self.stop(str(reason) if isinstance(reason, Untouched) else f"{type(reason).__name__}: {reason}")
        if self.reason:  # outside the handler: what PyTorch raises is the script's alone
            return self.untouched(args, original)
        if slot is None:
            return original()
        self.latest = slot.network
        device = tensors[0].device
        try:
            arrays = slot.source.arrays(tensors)
        except Exception:  # a tensor of torch.vmap, or of the device "meta"
            arrays = None
        if arrays is None:
            return slot.network.untouched(1, original, "its inputs are tensors without elements that can be read")
        form = slot.network.source  # of the first module met of this network: it has seen its results
        return slot.network.call(
            arrays, original, lambda outputs: form.give(outputs, device, original, slot.source.anchor)
        )

    def untouched(self, args: tuple, original):
        if self.latest is None:
            return original()
        batch = args[0].shape[0] if args and is_array(args[0]) and args[0].ndim else 1
        return self.latest.untouched(batch, original)

    def find(self, args: tuple, kwargs: dict, training: str):
        if training:
            raise Untouched(training)
        form, tensors, skeleton, names = form_of(args, kwargs)
        if any(tensor.requires_grad for tensor in tensors):
            raise Untouched("an input requires a gradient")
        slot = self.slots.get(form)
        if slot is not None and slot.watch.changed():
            self.count_change(slot)
            slot = None
        if slot is None:
            slot = self.meet(form, tensors, skeleton, names)
        elif slot.watch.hooked():
            raise Untouched("a module of it has a hook, which would not be called")
        return slot, tensors

    def count_change(self, slot: Slot) -> None:
        self.changes += 1
        slot.network.close()
        if slot.network.runner is None and not slot.network.reason:
            slot.network.reason = "the network changed before enough samples were seen"
        if self.changes > MOST_CHANGES:
            raise Untouched(f"it changed {self.changes} times in this run")

    def meet(self, form, tensors, skeleton, names) -> Slot | None:
        session = run.current()
        if session is None:
            self.reason = "calotype is off"
            return None
        if form not in self.slots and len(self.slots) >= MOST_FORMS:
            session.note(f"{self.name}: calls in other forms than the first {MOST_FORMS} are answered in FP32")
            return None
        if skeleton is None:
            (_, skeleton, names) = structure.flatten([tuple(tensors), {}], is_array)
        training = getattr(self.inner, "training", False)  # frozen scripts have no mode
        if not training and any(map(trains, self.inner.modules())):
            raise Untouched("parts of it are in training mode although it is not")
        watch = Watch(self.inner, training)
        if watch.hooked():
            raise Untouched("a module of it has a hook, which would not be called")
        if training:
            say_once(TRAINING_MODE)
        source = ModuleSource(self.inner, skeleton, names, tensors)
        slot = Slot(source, session.meet(source), watch)
        self.slots[form] = slot
        return slot

    def stop(self, reason: str) -> None:
        self.reason = reason
        networks = [slot.network for slot in self.slots.values() if not slot.network.reason]
        for network in networks:
            network.stop(reason)
        session = run.current()
        if session is not None and not networks:
            session.note(f"{self.name} runs untouched: {reason}")


# Of PyTorch's own modules, those that compute something else in training mode.
MODE_MATTERS = (
    torch.nn.modules.dropout._DropoutNd,
    torch.nn.modules.batchnorm._NormBase,
    torch.nn.RReLU,
    torch.nn.RNNBase,
    torch.nn.MultiheadAttention,
)


def trains(part: torch.nn.Module) -> bool:
    own = not type(part).__module__.startswith("torch.")
    return getattr(part, "training", False) and (own or isinstance(part, MODE_MATTERS))


def form_of(args: tuple, kwargs: dict):
    """(form, tensors, skeleton, names): calls of equal form differ in their tensors alone."""
    autocast = torch.is_autocast_enabled("cpu")
    if not kwargs and len(args) == 1 and is_array(args[0]):  # nearly always
        return (args[0].dtype, args[0].ndim, autocast), [args[0]], None, None
    try:
        tensors, skeleton, names = structure.flatten([args, kwargs], is_array)
    except structure.Unknown as reason:
        raise Untouched(f"its arguments cannot be recorded: {reason}")
    if not tensors:
        raise Untouched("its arguments hold no tensor")
    types = tuple((tensor.dtype, tensor.ndim) for tensor in tensors)
    return (json.dumps(skeleton), types, autocast), tensors, skeleton, names
