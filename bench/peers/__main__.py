"""python -m bench.peers: ms of one sample at one thread, calotype beside ONNX Runtime FP32 and INT8 in the same minutes."""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

from onnxruntime import OrtValue

from bench import calotype_cli, machine
from bench.accuracy import npu, tasks
from bench.accuracy.prepared import Prepared, calibration, prepare, session
from bench.kept import kept
from bench.peers import int8_peer

CALIBRATION_SAMPLES = 20
SECONDS_A_TURN = 0.3  # each competitor's turn; turns alternate, so a slow moment of the machine meets all of them


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("--networks", nargs="+", help="default: all")
    parser.add_argument("--turns", type=int, default=12)
    parser.add_argument("--kernels", help="handed to `calotype bench`")
    parser.add_argument("--no-int8", action="store_true", help="leave out ONNX Runtime's INT8")
    parser.add_argument("--work", type=Path, default=calotype_cli.ROOT / "build/bench")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    return parser.parse_args()


class OnnxRuntime:
    """One competitor: a model on one thread. Inputs and outputs are bound beforehand: the Python package turns others to
    its own at every run, which is a tenth of the smallest network's time."""

    def __init__(self, model: Path, task: Prepared):
        self._session = session(model, 1)
        self._bound = self._session.io_binding()
        feeds = calibration(task, 1)[0]  # what `calotype bench` runs: of free sizes, the first sample's
        for name, array in feeds.items():
            self._bound.bind_ortvalue_input(name, OrtValue.ortvalue_from_numpy(array))
        for output, array in zip(self._session.get_outputs(), self._session.run(None, feeds)):
            self._bound.bind_ortvalue_output(output.name, OrtValue.ortvalue_from_numpy(array))

    def turn(self) -> list[float]:
        """Milliseconds of each run in one turn."""
        times = []
        finish = time.perf_counter() + SECONDS_A_TURN
        while not times or time.perf_counter() < finish:
            started = time.perf_counter()
            self._session.run_with_iobinding(self._bound)
            times.append((time.perf_counter() - started) * 1e3)
        return times


class Calotype:
    """The other: `calotype bench` as a process of its own a turn."""

    def __init__(self, snapshot: Path, kernels: str | None):
        self._arguments = ["bench", snapshot, "--threads", 1] + (["--kernels", kernels] if kernels else [])
        self._rounds = 20

    def turn(self) -> list[float]:
        """Best and median of the turn's runs: what the command reports."""
        told = calotype_cli.call_json(*self._arguments, "--rounds", self._rounds)
        self._rounds = max(3, min(5000, int(SECONDS_A_TURN * 1e3 / max(told["median_ms"], 1e-3))))
        return [told["best_ms"], told["median_ms"]]


def competitors(given: argparse.Namespace, task: tasks.Task, prepared: Prepared) -> dict:
    snapshot = npu.plain_snapshot(prepared, task.name, given.work, CALIBRATION_SAMPLES)
    found = {"calotype": Calotype(snapshot, given.kernels), "ort_fp32": OnnxRuntime(prepared.model, prepared)}
    if not given.no_int8:
        int8 = given.work / "peers" / f"{task.name}_int8.onnx"
        try:
            kept(int8, [prepared.key],
                 lambda: int8_peer.make(prepared.model, calibration(prepared, CALIBRATION_SAMPLES), int8))
            found["ort_int8"] = OnnxRuntime(int8, prepared)
        except Exception as error:  # whatever ONNX Runtime's tools raise: the peer is then absent, and said to be
            print(f"{task.name}: no INT8 of ONNX Runtime: {str(error).splitlines()[0]}", file=sys.stderr)
    return found


def measure(given: argparse.Namespace, task: tasks.Task) -> dict:
    found = competitors(given, task, prepare(task, given.work))
    best, medians = {name: float("inf") for name in found}, {name: [] for name in found}
    for turn in range(given.turns + 1):
        for name, competitor in found.items():
            times = competitor.turn()
            if turn == 0:  # warms caches and sets the number of rounds
                continue
            best[name] = min(best[name], min(times))
            medians[name].append(times[1] if name == "calotype" else statistics.median(times))
    row = {"network": task.name}
    if "ort_int8" in found:
        row["ort_int8_weights"] = int8_peer.form(given.work / "peers" / f"{task.name}_int8.onnx")
    for name in found:
        row |= {f"{name}_best_ms": round(best[name], 4), f"{name}_median_ms": round(statistics.median(medians[name]), 4)}
    return row


def print_row(row: dict) -> None:
    cells = [f"{row['network']:19s}"]
    for name in ("calotype", "ort_fp32", "ort_int8"):
        for which in ("best", "median"):
            value = row.get(f"{name}_{which}_ms")
            cells.append(f"{value:9.3f}" if value is not None else f"{'-':>9s}")
    for name in ("ort_fp32", "ort_int8"):
        value = row.get(f"{name}_best_ms")
        cells.append(f"{value / row['calotype_best_ms']:8.2f}" if value else f"{'-':>8s}")
    note = "  INT8 per tensor: per channel fails" if row.get("ort_int8_weights") == "per tensor" else ""
    print(" ".join(cells) + note, flush=True)


def main() -> int:
    given = arguments()
    print(machine.cpu() + "; one thread, batch 1, ms")
    print(f"{'':19s} {'calotype':>19s} {'ORT FP32':>19s} {'ORT INT8 U8S8':>19s} {'times as fast as':>17s}")
    print(f"{'network':19s} " + f"{'best':>9s} {'median':>9s} " * 3 + f"{'FP32':>8s} {'INT8':>8s}")
    rows = []
    for task in tasks.chosen(given.networks):
        try:
            rows.append(measure(given, task))
        except calotype_cli.Failed as error:
            rows.append({"network": task.name, "failed": str(error)})
            print(f"{task.name:19s} FAILED: {error}", flush=True)
            continue
        print_row(rows[-1])
    if given.out:
        given.out.write_text(json.dumps({"cpu": machine.cpu(), "rows": rows}, indent=1) + "\n")
    return 1 if any("failed" in row for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
