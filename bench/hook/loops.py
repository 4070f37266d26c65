"""Loops of calls, timed; prints {name: microseconds a call, the best of several tries}. Run by bench.hook."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import nn

DIGITS = Path(__file__).parents[2] / "examples" / "digits" / "digits.onnx"


def best(call, calls: int) -> float:
    """Short tries: on a busy machine few of them run without another program between."""
    call()
    tries = []
    for _ in range(90):
        start = time.perf_counter()
        for _ in range(calls):
            call()
        tries.append((time.perf_counter() - start) / calls)
    return 1e6 * min(tries)


def convolutions(count: int) -> nn.Module:
    layers = [layer for _ in range(count) for layer in (nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8), nn.ReLU())]
    return nn.Sequential(*layers).eval()


def runner_of(snapshot: str, inputs: dict):
    """The native runner beside the hook, in the same process; None without the hook."""
    if "calotype.hook" not in sys.modules:
        return None
    import calotype

    runner = calotype.Runner(Path.home() / ".amd" / "vaisw" / snapshot)
    return lambda: runner.run(inputs)


def main() -> None:
    torch.manual_seed(1)
    random = np.random.default_rng(1)
    times = {}
    with torch.no_grad():
        x = torch.from_numpy(random.standard_normal((1, 8, 8, 8), dtype=np.float32))
        for count, snapshot in ((17, "snapshot"), (53, "snapshot.2")):
            model = convolutions(count)
            for _ in range(5):
                model(torch.from_numpy(random.standard_normal((1, 8, 8, 8), dtype=np.float32)))
            name = f"PyTorch on the NPU, {3 * count} modules"
            times[name] = best(lambda: model(x), 20)
            native = runner_of(snapshot, {"input": x.numpy()})
            if native is not None:
                times[f"{name}, native runner"] = best(native, 20)
        passed = nn.Sequential(*[nn.Identity() for _ in range(100)], nn.Linear(8, 8)).eval()
        passed[0].register_forward_hook(lambda *_: None)
        times["PyTorch untouched, 101 modules"] = best(lambda: passed(x), 20)
        times["PyTorch, a module that is no network"] = best(lambda: passed[1](x), 200)
    session = onnxruntime.InferenceSession(DIGITS)
    port = session.get_inputs()[0]
    images = [random.random([1, *port.shape[1:]], dtype=np.float32) for _ in range(5)]
    for image in images:
        session.run(None, {port.name: image})
    times["ONNX Runtime on the NPU"] = best(lambda: session.run(None, {port.name: images[0]}), 20)
    native = runner_of("snapshot.3", {port.name: images[0]})
    if native is not None:
        times["ONNX Runtime on the NPU, native runner"] = best(native, 20)
    print(json.dumps(times))


if __name__ == "__main__":
    main()
