"""python -m bench.quantized: does a quantized model, compiled without samples, give what ONNX Runtime gives on the same file.

The yardstick is ONNX Runtime without its optimizer ("plain"): where operators are not fused, it rounds elsewhere.
Each network in the forms that ONNX Runtime's quantizer writes and, with --tf2onnx, as converted from .tflite files."""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from onnxruntime.capi.onnxruntime_pybind11_state import Fail

from bench import calotype_cli
from bench.accuracy import npu, tasks
from bench.accuracy.measures import snr_db
from bench.accuracy.prepared import Prepared, prepare, session
from bench.kept import kept
from bench.quantized import forms, tflite

NETWORKS = ["mnist-8", "resnet8", "resnet20", "kws_dscnn", "vww", "mcunet", "squeezenet", "efficientnet_lite0"]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.quantized", description=__doc__)
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    parser.add_argument("--forms", nargs="+", help=f"default: all of {', '.join(forms.FORMS)}, and tflite_*")
    parser.add_argument("--tf2onnx", type=Path, help="a Python with bench/quantized/requirements.txt")
    parser.add_argument("--samples", action="store_true", help="compile with 20 samples")
    parser.add_argument("--score", type=int, help="so many evaluation samples, evenly spread; default: all")
    parser.add_argument("--work", type=Path, default=calotype_cli.ROOT / "build/bench")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    return parser.parse_args()


def in_onnx_runtime(model: Path, inputs: np.ndarray, optimized: bool = True) -> np.ndarray:
    runner = session(model, 2, optimized)
    name = runner.get_inputs()[0].name
    return np.concatenate([runner.run(None, {name: inputs[i:i + 1]})[0].reshape(1, -1) for i in range(len(inputs))])


def on_the_npu(task: Prepared, model: Path, inputs: np.ndarray, samples: Path | None, snapshot: Path) -> tuple[np.ndarray, dict]:
    """Outputs, and what the report says of the compilation."""
    given = ["--samples", samples, "--images", 20] if samples else []
    report = calotype_cli.call_json("compile", model, "-o", snapshot, *given)["report"]
    runner = session(model)
    own = Prepared(model, runner.get_inputs()[0].name, runner.get_outputs()[0].name, task.samples_file, inputs, task.labels,
                   task.fp32, task.metric, task.key)
    return npu.run(own, snapshot, []), report


def percent(hits: np.ndarray) -> float:
    return round(100 * float(np.mean(hits)), 2)


def snr(model: Path, outputs: np.ndarray, expected: np.ndarray) -> float:
    return round(snr_db(tflite.reals(model, outputs), tflite.reals(model, expected)), 1)


def compare(task: Prepared, model: Path, inputs: np.ndarray, samples: Path | None, snapshot: Path) -> dict:
    expected = in_onnx_runtime(model, inputs)
    plain = in_onnx_runtime(model, inputs, optimized=False)
    got, report = on_the_npu(task, model, inputs, samples, snapshot)
    layers = report["layers"]
    macs = sum(one["macs"] for one in report["operators"])
    on_npu = sum(one["macs"] for one in report["operators"] if one["device"] == "NPU")
    top, plain_top, npu_top = (np.argmax(outputs, axis=1) for outputs in (expected, plain, got))
    return {"layers": len(layers), "own": sum(one["own"] for one in layers), "anew": sum(bool(one["anew"]) for one in layers),
            "npu_macs_percent": round(100 * on_npu / max(macs, 1), 1),
            "top1_ort": percent(top == task.labels), "top1_npu": percent(npu_top == task.labels),
            "plain_agree_percent": percent(top == plain_top), "agree_percent": percent(top == npu_top),
            "equal_percent": percent(expected == got),
            "plain_snr_db": snr(model, plain, expected), "snr_db": snr(model, got, expected)}


def make(given: argparse.Namespace, name: str, task: Prepared, form: str) -> Path:
    """The network in this form."""
    model = given.work / "quantized" / f"{name}_{form}.onnx"
    if form.startswith("tflite"):
        return kept(model, [tflite.source(name, form)], lambda: tflite.make(given.tf2onnx, name, form, model))
    return kept(model, [task.key], lambda: forms.make(task, form, model))


def measure(given: argparse.Namespace, name: str, task: Prepared, form: str) -> dict | None:
    """The row of a network in this form; nothing where it cannot be made."""
    try:
        model = make(given, name, task, form)
    except Exception as error:  # the quantizer's own limits: not ours to judge
        print(f"{name:20}{form:27}  not made: {str(error).splitlines()[0][:80]}")
        return None
    inputs, samples = task.inputs, task.samples_file
    if form.startswith("tflite"):
        inputs, samples = tflite.inputs_for(model, inputs), tflite.samples_for(model, samples)
    given_samples = samples if given.samples or form == "tflite_float" else None
    try:
        return {"network": name, "form": form, **compare(task, model, inputs, given_samples, model.with_suffix(".snapshot"))}
    except Fail as error:  # such a file means nothing
        print(f"{name:20}{form:27}  ONNX Runtime cannot run it: {str(error).splitlines()[0][:80]}")
        return None
    except calotype_cli.Failed as error:
        return {"network": name, "form": form, "error": str(error)}


HEADER = (f"{'network':20}{'form':27}{'layers own anew':>17}{'NPU MACs':>10}{'top-1 ORT':>10}{'NPU':>7}"
          f"{'agree plain':>12}{'NPU':>7}{'equal':>8}{'SNR plain':>10}{'NPU':>6}")


def line(row: dict) -> str:
    if "error" in row:
        return f"{row['network']:20}{row['form']:27}  {row['error']}"
    return (f"{row['network']:20}{row['form']:27}{row['layers']:7}{row['own']:5}{row['anew']:5}{row['npu_macs_percent']:9} %"
            f"{row['top1_ort']:10}{row['top1_npu']:7}{row['plain_agree_percent']:12}{row['agree_percent']:7}"
            f"{row['equal_percent']:8}{row['plain_snr_db']:10}{row['snr_db']:6}")


def main() -> int:
    given = arguments()
    rows = []
    print(HEADER)
    for name in given.networks:
        task = prepare(tasks.chosen([name])[0], given.work, score=given.score)
        converted = list(tflite.MODELS.get(name, {})) if given.tf2onnx else []
        for form in [*forms.FORMS, *converted]:
            row = measure(given, name, task, form) if not given.forms or form in given.forms else None
            if row is not None:
                rows.append(row)
                print(line(row), flush=True)
    if given.out:
        given.out.write_text(json.dumps(rows, indent=1))
    return 1 if any("error" in row for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
