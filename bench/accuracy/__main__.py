"""python -m bench.accuracy: FP32 against NPU on labelled data."""

import argparse
import itertools
import json
import sys
from pathlib import Path

import numpy as np

from bench import calotype_cli
from bench.accuracy import npu, tasks
from bench.accuracy.measures import snr_db
from bench.accuracy.prepared import Prepared, prepare

COLUMNS = [("network", 19, "s"), ("images", 6, "d"), ("draw", 4, "d"), ("without", 20, "s"), ("samples", 7, "d"),
           ("metric", 9, "s"), ("fp32", 6, ".2f"), ("npu", 6, ".2f"), ("difference", 10, "+.2f"), ("snr_db", 6, ".2f"),
           ("compile_seconds", 15, ".1f"), ("compile_peak_mb", 15, ".0f")]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.accuracy", description=__doc__)
    parser.add_argument("--networks", nargs="+", help="default: all")
    parser.add_argument("--images", nargs="+", type=int, default=[4, 20], help="calibration samples; default 4 20")
    parser.add_argument("--mode", help="quantization mode, handed to `calotype compile`")
    parser.add_argument("--draws", nargs="+", type=int, default=[0],
                        help="random draws of the calibration samples, by number; default 0")
    parser.add_argument("--without", nargs="+", default=[], help="ingredients of quantization to switch off")
    parser.add_argument("--worth", action="store_true",
                        help="also each ingredient alone switched off: what it is worth on top of the others")
    parser.add_argument("--score", type=int, help="score only so many evaluation samples, evenly spread; default: all")
    parser.add_argument("--npu", help="NPU configuration; `none` isolates what import and optimization do")
    parser.add_argument("--compile-option", action="append", default=[], help="one more argument of `calotype compile`")
    parser.add_argument("--run-option", action="append", default=[], help="one more argument of `calotype run`")
    parser.add_argument("--fp32-only", action="store_true", help="check the FP32 side against the published figures")
    parser.add_argument("--work", type=Path, default=calotype_cli.ROOT / "build/bench")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    return parser.parse_args()


def compile_options(given: argparse.Namespace) -> list[str]:
    options = list(given.compile_option)
    for name in ("mode", "npu"):
        if getattr(given, name):
            options += [f"--{name}", getattr(given, name)]
    return options


def choices_of_without(given: argparse.Namespace) -> list[list[str]]:
    """Ingredients that are switched off, one list a compilation."""
    choices = [given.without]
    if given.worth:
        choices += [[*given.without, name] for name in npu.ingredients() if name not in given.without]
    return choices


def unit_name(metric) -> str:
    return f"{metric.NAME} {metric.UNIT}"


def figures(task: Prepared, outputs: np.ndarray) -> dict:
    fp32, npu_score = (task.metric.score(values, task.labels) for values in (task.fp32, outputs))
    return {"samples": len(task.labels), "metric": unit_name(task.metric), "fp32": fp32, "npu": npu_score,
            "difference": npu_score - fp32, "snr_db": snr_db(outputs, task.fp32),
            "details": task.metric.details(outputs, task.fp32, task.labels)}


def measure(given: argparse.Namespace, task: tasks.Task, images: int, draw: int, without: list[str]) -> dict:
    prepared = prepare(task, given.work, draw, given.score)
    snapshot = given.work / "snapshots" / f"{task.name}_{images}"
    row = {"network": task.name, "images": images, "draw": draw, "without": " ".join(without) or "-"}
    options = compile_options(given) + [argument for name in without for argument in ("--without", name)]
    try:
        cost = npu.compile_snapshot(prepared, snapshot, images, options)
        outputs = npu.run(prepared, snapshot, given.run_option)
    except (calotype_cli.Failed, KeyError, OSError) as error:
        return row | {"failed": str(error)}
    return row | figures(prepared, outputs) | {"compile_seconds": cost["seconds"], "compile_peak_mb": cost["peak_mb"]}


def print_row(row: dict) -> None:
    if "failed" in row:
        print(f"{row['network']:19s} {row['images']:6d} {row['draw']:4d} {row['without']:20s}  FAILED: {row['failed']}")
    else:
        print(" ".join(f"{format(row[name], form):>{width}}" if form != "s" else f"{row[name]:{width}s}"
                       for name, width, form in COLUMNS),
              *(f" {name} {figure:.2f}" for name, figure in row["details"].items()))
    sys.stdout.flush()


def fp32_only(given: argparse.Namespace) -> list[dict]:
    rows = []
    print("network               samples  metric      here  published (full set)")
    for task in tasks.chosen(given.networks):
        prepared = prepare(task, given.work)
        fp32 = task.metric.score(prepared.fp32, prepared.labels)
        rows.append({"network": task.name, "samples": len(prepared.labels), "metric": unit_name(task.metric),
                     "published": task.published, "fp32": fp32})
        print(f"{task.name:20s}  {rows[-1]['samples']:7d}  {unit_name(task.metric):8s}  {fp32:6.2f}  {task.published:6.2f}",
              flush=True)
    return rows


def write(given: argparse.Namespace, rows: list[dict]) -> None:
    """After every row, so that a run that is stopped keeps what it has."""
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps({"options": compile_options(given), "rows": rows}, indent=1) + "\n")


def main() -> int:
    given = arguments()
    if given.fp32_only:
        rows = fp32_only(given)
    else:
        print(" ".join(f"{name:>{width}}" if form != "s" else f"{name:{width}}" for name, width, form in COLUMNS))
        rows = []
        for images, draw, task, without in itertools.product(given.images, given.draws, tasks.chosen(given.networks),
                                                             choices_of_without(given)):
            rows.append(measure(given, task, images, draw, without))
            print_row(rows[-1])
            write(given, rows)
    write(given, rows)
    return 1 if any("failed" in row for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
