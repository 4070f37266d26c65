"""python -m bench.layerwise: wrp_network_iriz.onnx in ONNX Runtime (graph optimization off), each layer fed with the
emulator's own codes, against the emulator's codes."""

import argparse
import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from bench import calotype_cli
from bench.accuracy import measures, npu, tasks
from bench.accuracy.prepared import Prepared, prepare
from bench.accuracy.samples import gathered, read_from_calotype
from bench.layerwise.cut import cut
from bench.layerwise.judge import by_kind, judge


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.layerwise", description=__doc__)
    parser.add_argument("--networks", nargs="+", help="default: all")
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--samples", type=int, default=8, help="samples whose layers are compared")
    parser.add_argument("--end-to-end", type=int, help="samples whose outputs are compared; default: all; 0: none")
    parser.add_argument("--work", type=Path, default=calotype_cli.ROOT / "build/bench")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    return parser.parse_args()


def plain_session(model: bytes) -> onnxruntime.InferenceSession:
    """Node by node as the file says: ONNX Runtime's fused int8 kernels give other results from CPU to CPU."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def emulator_codes(task: Prepared, snapshot: Path, samples: int) -> dict[tuple[str, int], np.ndarray]:
    """Every tensor's codes in the view's layout, [N, C, ...]."""
    inputs, outputs, layers = (snapshot.with_name(f"{snapshot.name}_{which}.npz") for which in ("in", "out", "layers"))
    np.savez(inputs, **{task.input_name: np.stack(task.inputs[:samples])})
    calotype_cli.call("run", snapshot, "--input", inputs, "--output", outputs, "--layers-output", layers)
    found = {}
    with np.load(layers) as arrays:
        for key in arrays.files:  # NPU_<k>/<tensor id>, [N, spatial..., C]
            part, _, tensor = key.partition("/")
            found[(part, int(tensor))] = np.moveaxis(arrays[key], -1, 1)
    return found


def compare(task: Prepared, snapshot: Path, samples: int) -> list[dict]:
    """One row a layer: kind, number of codes, how many are equal, the largest difference."""
    parts, codes = cut(snapshot), emulator_codes(task, snapshot, samples)
    runner = plain_session(parts.model.SerializeToString())
    rows = [{"layer": f"{layer.part}/{layer.name}", "kind": layer.kind, "codes": 0, "equal": 0, "apart": 0}
            for layer in parts.layers]
    for sample in range(samples):  # one at a time: the view has the model's own batch
        feeds = {name: np.ascontiguousarray(codes[place][sample:sample + 1]) for name, place in parts.handed_in.items()}
        feeds[task.input_name] = np.ascontiguousarray(task.inputs[sample][None])
        results = runner.run([layer.codes for layer in parts.layers], {i.name: feeds[i.name] for i in runner.get_inputs()})
        for row, layer, result in zip(rows, parts.layers, results):
            apart = np.abs(result.astype(np.int32) - codes[(layer.part, layer.tensor)][sample:sample + 1])
            row["codes"] += int(apart.size)
            row["equal"] += int((apart == 0).sum())
            row["apart"] = max(row["apart"], int(apart.max()))
    return rows


def end_to_end(task: Prepared, snapshot: Path, samples: int | None) -> dict:
    """The metric by the view in ONNX Runtime and by the emulator, on the same samples."""
    samples = min(samples or len(task.inputs), len(task.inputs))
    runner = plain_session((snapshot / "wrp_network_iriz.onnx").read_bytes())
    view = [runner.run([task.output_name], {task.input_name: np.ascontiguousarray(task.inputs[i][None])})[0][0]
            for i in range(samples)]
    emulated = npu.run(dataclasses.replace(task, inputs=task.inputs[:samples]), snapshot, [])
    labels = task.labels[:samples]
    return {"samples": samples, "metric": f"{task.metric.NAME} {task.metric.UNIT}",
            "view": task.metric.score(gathered(view), labels), "npu": task.metric.score(emulated, labels),
            "same_outputs": 100 * float(np.mean([np.array_equal(x.ravel(), y.ravel()) for x, y in zip(view, emulated)])),
            "snr_db": measures.snr_db(view, emulated)}


def of_the_view(task: Prepared) -> np.ndarray:
    """Calibration samples of the size that the view is made for: the first one's."""
    known = read_from_calotype(task.samples_file, task.input_name)
    return np.stack([sample for sample in known if sample.shape == known[0].shape])


def measure(given: argparse.Namespace, task: tasks.Task) -> dict:
    prepared = prepare(task, given.work)
    snapshot = npu.plain_snapshot(prepared, task.name, given.work, given.images)
    view = snapshot / "wrp_network_iriz.onnx"
    onnx.checker.check_model(str(view), full_check=True)
    onnxruntime.InferenceSession(str(view), providers=["CPUExecutionProvider"])  # it must load with optimization on, too
    many_sizes = not isinstance(prepared.inputs, np.ndarray)
    if many_sizes:
        prepared = dataclasses.replace(prepared, inputs=of_the_view(prepared))
    rows = compare(prepared, snapshot, min(given.samples, len(prepared.inputs)))
    kinds = by_kind(rows)
    whole = end_to_end(prepared, snapshot, given.end_to_end) if given.end_to_end != 0 and not many_sizes else None
    return {"network": task.name, "layers": rows, "kinds": kinds, "end_to_end": whole, "wrong": judge(rows, kinds, whole)}


def print_result(result: dict) -> None:
    name = result["network"]
    for kind, sums in result["kinds"].items():
        print(f"{name:19s} {kind:15s} {sums['layers']:4d} layers, {100 * sums['equal'] / sums['codes']:7.3f} % of "
              f"{sums['codes']:9d} codes equal, at most {sums['apart']} apart")
    if result["end_to_end"]:
        whole = result["end_to_end"]
        print(f"{name:19s} end to end, {whole['samples']} samples: view {whole['view']:.2f}, emulator "
              f"{whole['npu']:.2f} {whole['metric']}, equal outputs on "
              f"{whole['same_outputs']:.2f} %, {whole['snr_db']:.1f} dB")
    for line in result["wrong"]:
        print(f"{name:19s} WRONG: {line}")
    sys.stdout.flush()


def main() -> int:
    given = arguments()
    results = []
    for task in tasks.chosen(given.networks):
        try:
            results.append(measure(given, task))
            print_result(results[-1])
        except calotype_cli.Failed as error:
            results.append({"network": task.name, "wrong": [str(error)]})
            print(f"{task.name:19s} FAILED: {error}", flush=True)
    if given.out:
        given.out.write_text(json.dumps(results, indent=1) + "\n")
    return 1 if any(result["wrong"] for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
