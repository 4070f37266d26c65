"""What stands between one module of the script and its networks: one for each form of its arguments."""

import contextlib
import json
import weakref

import torch
from torch.autograd import forward_ad
from torch.utils._device import DeviceContext

from calotype.hook import session as run
from calotype.hook import structure
from calotype.hook.messages import is_users, say_once
from calotype.hook.state import Network, Skipped, Untouched
from calotype.hook.torch_made import only_makers
from calotype.hook.torch_source import ModuleSource, is_array
from calotype.hook.torch_watch import Watch

MOST_CHANGES = 8
MOST_FORMS = 8  # of arguments: a number among them that counts up makes a network of each call
TRAINING_MODE = (
    "the model is in training mode, the NPU runs inference: call model.eval() to make the FP32 reference comparable"
)
HOOKED = "a module of it has a hook, which would not be called"


class Slot:
    """A network, and whether the module is still the one it was made of."""

    def __init__(self, source: ModuleSource, network: Network, watch: Watch):
        self.source = source
        self.network = network
        self.watch = watch

    def fp32(self, original, module: torch.nn.Module):
        """What the module's own program changes is no change of the network."""
        try:
            return original()
        finally:
            with contextlib.suppress(Exception):  # then the next call finds it changed
                if self.watch.changed():
                    now = Watch(module, self.watch.training)
                    if not hooked(now.hooks):
                        self.watch = now


class Target:
    def __init__(self, inner: torch.nn.Module):
        self.name = f"{getattr(inner, 'original_name', type(inner).__name__)} (PyTorch)"
        self.inner = weakref.ref(inner)  # the script decides how long it lives
        self.latest: Network | None = None  # of the latest call
        self.slots: dict = {}
        self.hooks: list = []  # of the module's parts, as they were last seen
        self.reason = ""  # why PyTorch answers alone from now on
        self.changes = 0

    def call(self, args: tuple, kwargs: dict, training: str, original):
        """The result of the module's outermost call; `original` is the call itself."""
        if self.reason:
            return self.untouched(args, original)
        slot, skipped = None, ""
        try:
            slot, tensors = self.find(args, kwargs, training)
        except Skipped as reason:
            skipped = f"{reason}"
        except Exception as reason:
            if is_users(reason):
                raise reason.with_traceback(None) from None  # where in the script it is, not where in calotype
            self.stop(str(reason) if isinstance(reason, Untouched) else f"{type(reason).__name__}: {reason}")
        if self.reason or skipped:  # outside the handlers: what PyTorch raises is the script's alone
            return self.untouched(args, original, skipped)
        if slot is None:
            return original()
        self.latest = slot.network
        try:
            arrays = slot.source.arrays(tensors)
        except Exception:  # a tensor of torch.vmap, or of the device "meta"
            arrays = None
        if arrays is None:
            return slot.network.untouched(1, original, "its inputs are tensors without elements that can be read")

        def fp32():
            if slot.network.recording is not None:
                form.latest = tensors
            return slot.fp32(original, self.inner())

        form = slot.network.source  # of the first module met of this network: it has seen its results
        return slot.network.call(arrays, fp32, lambda outputs: form.give(outputs, tensors, original, slot.source))

    def untouched(self, args: tuple, original, skipped: str = ""):
        if self.latest is not None:
            return self.latest.untouched(batch_of(args), original, skipped)
        session = run.current() if skipped else None
        if session is not None:
            session.note(f"{self.name}: calls are answered in FP32: {skipped}")
        return original()

    def find(self, args: tuple, kwargs: dict, training: str):
        if training:
            raise Untouched(training)
        form, tensors, skeleton, names = form_of(args, kwargs)
        if any(tensor.requires_grad for tensor in tensors):
            raise Untouched("an input requires a gradient")
        if observed():
            raise Skipped("a mode or a tangent of PyTorch's looks at each operator")
        slot = self.slots.get(form)
        if slot is None or slot.watch.changed():  # nor has an unchanged one any hook
            if hooked(self.hooks):
                raise Skipped(HOOKED)
            slot = self.meet(form, tensors, skeleton, names)
        return slot, tensors

    def meet(self, form, tensors, skeleton, names) -> Slot | None:
        session = run.current()
        if session is None:
            self.reason = "calotype is off"
            return None
        former = self.slots.get(form)
        if former is None and len(self.slots) >= MOST_FORMS:
            session.note(f"{self.name}: calls in other forms than the first {MOST_FORMS} are answered in FP32")
            return None
        if skeleton is None:
            (_, skeleton, names) = structure.flatten([tuple(tensors), {}], is_array)
        module = self.inner()
        training = getattr(module, "training", False)  # frozen scripts have no mode
        if not training and any(map(trains, module.modules())):
            raise Skipped("parts of it are in training mode although it is not")
        watch = Watch(module, training)
        self.hooks = watch.hooks
        if hooked(self.hooks):
            raise Skipped(HOOKED)
        if training:
            say_once(TRAINING_MODE)
        source = ModuleSource(module, skeleton, names, tensors)
        network = session.meet(source)
        if former is not None and former.network is not network:
            self.count_change(former)
        self.slots[form] = Slot(source, network, watch)
        return self.slots[form]

    def count_change(self, former: Slot) -> None:
        self.changes += 1
        former.network.leave("the network changed before enough samples were seen")
        if self.changes > MOST_CHANGES:
            raise Untouched(f"it changed {self.changes} times in this run")

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


def hooked(hooks: list[dict]) -> bool:
    return any(hooks) and not all(map(only_makers, hooks))


def observed() -> bool:
    """Whether the script follows PyTorch's operators: counts them, fakes them, or takes forward derivatives."""
    if forward_ad._current_level >= 0 or torch._C._len_torch_dispatch_stack():
        return True
    modes = range(torch._C._len_torch_function_stack())  # torch.set_default_device is one, too
    return any(not isinstance(torch._C._get_function_stack_at(i), DeviceContext) for i in modes)


def batch_of(args: tuple) -> int:
    try:
        return args[0].shape[0]
    except Exception:  # nested and other special tensors have no shape
        return 1


def form_of(args: tuple, kwargs: dict):
    """(form, tensors, skeleton, names): calls of equal form differ in their tensors alone."""
    autocast = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu")
    if not kwargs and len(args) == 1 and is_array(args[0]):  # nearly always
        return (args[0].dtype, args[0].ndim, autocast), [args[0]], None, None
    try:
        tensors, skeleton, names = structure.flatten([args, kwargs], is_array)
    except structure.Unknown as reason:
        raise Skipped(f"its arguments cannot be recorded: {reason}")
    if not tensors:
        raise Skipped("its arguments hold no tensor")
    types = tuple((tensor.dtype, tensor.ndim) for tensor in tensors)
    return (json.dumps(skeleton), types, autocast), tensors, skeleton, names
