"""One network's way through a run: FP32 and recording, then compiled, then the NPU. Untouched wherever that is unclear.

A source is what a framework's hook knows of a network:
    name                    for the user
    key()                   text that changes with structure and weights, and with nothing else
    samples(inputs)         how many a call's arrays hold
    refuses(inputs)         why the snapshot cannot take these at once, or ""
    check()                 before compiling: raises Untouched where the network cannot be taken
    model(recording)        the path of its ONNX file, exported if need be; raises Untouched
    facts()                 JSON that `restore` understands in a later run
    restore(facts)          False where they do not fit
    seen(result)            an FP32 result; gives its arrays' shapes
    joined(source)          of another object of this network, before it was compiled
"""

import threading
import time
from collections import Counter
from pathlib import Path

from calotype.hook.facts import facts_of
from calotype.hook.messages import say
from calotype.hook.progress import Progress
from calotype.hook.recording import Recording
from calotype.hook.signals import Heard, raised_by_handler

_compiling = threading.RLock()  # exporters take one thread at a time
NO_ELEMENTS = "an input has no elements"
ONE_SIZE = ("SAMPLE_SIZES", "SAMPLE_SHAPE")  # codes that refuse samples of several sizes


def is_empty(inputs: dict) -> bool:
    """A batch of no samples; or no words so far."""
    return 0 in [array.size for array in inputs.values()]


class Untouched(Exception):
    """Why a network's calls are left to the framework, from now on."""


class Skipped(Exception):
    """Why one call is left to the framework."""


class Network:
    def __init__(self, session, source, key: str, target: Path):
        self.session = session
        self.source = source
        self.key = key
        self.target = target
        self.name = source.name
        self.lock = threading.RLock()
        self.runner = None
        self.recording: Recording | None = None
        self.reason = ""  # why it is untouched
        self.left = ""  # why its recording ended early; it begins anew with its next call
        self.facts: dict = {}
        self.found = False  # in the cache
        self.snapshot: Path | None = None
        self.began = self.ended = time.time()
        self.batches: Counter[int] = Counter()
        self.samples = {"FP32": 0, "NPU": 0}
        self.seconds = {"FP32": 0.0, "compiling": 0.0, "NPU": 0.0}
        self.refused: Counter[str] = Counter()  # samples that the snapshot could not take, by reason
        self.input_shapes: list = []
        self.output_shapes: list = []
        entry = session.cache.find(key)
        if entry is not None:
            self.found = self.load(entry)

    def accepts(self, source) -> bool:
        """A second object of the same network: its calls are this network's, too."""
        if self.facts:
            return source.restore(self.facts["source"])
        self.source.joined(source)
        return True

    # Calls

    def call(self, inputs: dict, fp32, give):
        """The script's result: `fp32()`, or `give(outputs by name)` of what the NPU computes."""
        if self.runner is None and not self.reason:
            with self.lock:
                if self.runner is None and not self.reason:
                    return self.record(inputs, fp32)
        if self.runner is None:
            return self.untouched(self.source.samples(inputs), fp32)
        samples = self.source.samples(inputs)
        refusal = NO_ELEMENTS if is_empty(inputs) else self.source.refuses(inputs)
        if refusal:
            return self.untouched(samples, fp32, refusal)
        start = time.perf_counter()
        answered = False
        try:
            outputs = self.runner.run(inputs)
            result = give(outputs)
            answered = True
        except self.session.core.Error as reason:  # these inputs, of this size
            refusal = str(reason)
        except Exception as reason:  # our fault: the script goes on
            if raised_by_handler(reason):
                raise
            self.stop(f"{type(reason).__name__}: {reason}")
        if not answered:  # outside the handlers: what FP32 raises is the script's alone
            return self.untouched(samples, fp32, refusal)
        self.count("NPU", samples, start)
        if not self.output_shapes:
            self.input_shapes = [array.shape for array in inputs.values()]
            self.output_shapes = [array.shape for array in outputs.values()]
        return result

    def record(self, inputs: dict, fp32):
        samples = self.source.samples(inputs)
        if is_empty(inputs):
            return self.untouched(samples, fp32, NO_ELEMENTS)
        try:
            if self.recording is None:
                self.recording = Recording(self.session.folder)
                self.left = ""
            self.recording.add(inputs, samples)  # now: the network may write into its inputs
        except Exception as reason:  # a full disk; and whatever is our fault: the script goes on
            self.stop(f"its inputs cannot be recorded: {reason}")
        if self.recording is None:
            return self.untouched(samples, fp32)
        start = time.perf_counter()
        try:
            result = fp32()
        except BaseException:
            self.recording.drop_last()
            raise
        self.count("FP32", samples, start)
        heard = Heard()
        try:
            with heard:
                self.input_shapes = [array.shape for array in inputs.values()]
                self.output_shapes = self.source.seen(result)
                if self.recording.count >= self.session.options["VAISW_QUANTIZATION_NBIMAGES"]:
                    self.compile()
        except Exception as reason:  # our fault, where it is no Untouched: the script has its result
            if heard.raised is None:
                self.stop(str(reason) if isinstance(reason, Untouched) else f"{type(reason).__name__}: {reason}")
        finally:
            if heard.raised is not None:
                self.leave("its compilation was interrupted")
        if heard.raised is not None:
            raise heard.raised
        return result

    def untouched(self, samples: int, fp32, refusal: str = ""):
        """`refusal`: why the snapshot could not take them."""
        start = time.perf_counter()
        result = fp32()
        self.count("FP32", samples, start)
        if refusal:
            self.refused[refusal] += samples
        return result

    def count(self, device: str, samples: int, start: float) -> None:
        self.seconds[device] += time.perf_counter() - start
        self.samples[device] += samples
        self.batches[samples] += 1
        self.ended = time.time()

    # Compiling

    def compile(self) -> None:
        progress = Progress(self.name)
        cache = self.session.cache
        try:
            self.source.check()
            with _compiling, cache.locked(self.key):
                entry = cache.find(self.key)  # another process may have made it meanwhile
                if entry is None or not self.load(entry):
                    made = cache.add(self.key, lambda folder: self.make(folder, progress))
                    progress.close()
                    if not self.load(made):
                        raise Untouched("its snapshot cannot be loaded")
        except Untouched:
            raise
        except Exception as reason:  # also what is our fault: the script goes on
            ours = "" if isinstance(reason, (self.session.core.Error, OSError)) else f"{type(reason).__name__}: "
            raise Untouched(f"it cannot be compiled: {ours}{reason}")
        finally:
            progress.close()
            self.seconds["compiling"] = progress.seconds
            self.close()

    def make(self, folder: Path, progress: Progress) -> dict:
        progress("export", 0)
        model = self.source.model(self.recording)
        try:
            self.compile_native(model, folder, progress)
        except self.session.core.Error as reason:
            if reason.code not in ONE_SIZE or not self.recording.keep_first_size(str(reason)):
                raise
            self.compile_native(model, folder, progress)
        return {
            "name": self.name,
            "seconds": round(progress.seconds, 3),
            "source": self.source.facts(),
            **facts_of(self.session.core.inspect(folder / "snapshot")),
        }

    def compile_native(self, model: Path, folder: Path, progress: Progress) -> None:
        options = self.session.options
        notes: list[str] = []
        self.session.core.compile(
            model,
            self.recording.samples,
            folder / "snapshot",
            mode=options["VAISW_QUANTIZATION_MODE"],
            images=options["VAISW_QUANTIZATION_NBIMAGES"],
            precision=options["VAISW_FE_PRECISION"],
            npu=options["VAISW_NPU"],
            progress=progress,
            message=notes.append,
        )
        progress.close()
        for note in notes:
            say(note)

    def load(self, entry) -> bool:
        """Takes a cache entry over. False where it does not fit; then it is gone."""
        core = self.session.core
        try:
            if not self.source.restore(entry.facts["source"]):
                raise ValueError("it was made for other inputs or outputs")
            self.runner = core.Runner(entry.snapshot, message=say)
        except (core.Error, OSError, LookupError, TypeError, ValueError) as reason:
            self.session.cache.discard(entry, str(reason).partition("\n")[0])
            return False
        self.facts = entry.facts
        self.place(entry.snapshot)
        return True

    def place(self, snapshot: Path) -> None:
        """The copy that the user asked for in VAISW_SNAPSHOT_DIRECTORY."""
        core = self.session.core
        try:
            core.copy_snapshot(str(snapshot), str(self.target))
            self.snapshot = self.target
        except (core.Error, OSError) as reason:
            self.snapshot = snapshot
            say(f"the snapshot stays in {snapshot}: {reason}")

    # Endings

    def stop(self, reason: str) -> None:
        """From here on the framework answers alone."""
        self.reason = reason
        self.runner = None
        say(f"{self.name} runs untouched: {reason}")
        self.close()

    def leave(self, reason: str) -> None:
        """The script's object has become another network. It may come back."""
        if self.runner is None:
            self.left = reason
            self.close()

    def close(self) -> None:
        if self.recording is not None:
            self.recording.remove()
            self.recording = None

    def end(self) -> None:
        """With the run: the native runner has to go before the interpreter does."""
        self.runner = None
        self.close()
