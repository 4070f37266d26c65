"""python -m bench.families: classic networks with random weights, exported, compiled, and measured beside ONNX Runtime."""

import argparse
import json
import logging
import math
import sys
from pathlib import Path

import torch

from bench import calotype_cli
from bench.families.catalogue import chosen
from bench.families.export import EXPORTERS
from bench.families.measure import measure

HEADER = f"{'family':16s} {'exporter':10s} {'NPU':>3s} {'CPU':>3s} {'MACs':>7s} {'SNR dB':>14s} {'ORT INT8':>14s} " \
         f"{'none':>7s}  why the CPU"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.families", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these families; default: all")
    parser.add_argument("--exporters", nargs="+", choices=[exporter.name for exporter in EXPORTERS],
                        default=[exporter.name for exporter in EXPORTERS])
    parser.add_argument("--npu", help="NPU configuration, handed to `calotype compile`")
    parser.add_argument("--free-batch", action="store_true", help="export with a batch that is free")
    parser.add_argument("--work", type=Path, default=calotype_cli.ROOT / "build/bench/families")
    parser.add_argument("--json", action="store_true", help="rows as JSON, one a line, instead of the table")
    parser.add_argument("--markdown", action="store_true", help="the table as docs/families.md has it")
    return parser.parse_args()


def decibels(parts: dict[str, float] | None) -> str:
    """One figure, or one a part: `31.2 / 17.0`."""
    if parts is None:
        return "-"
    return " / ".join("exact" if math.isinf(value) else f"{value:.1f}" for value in parts.values())


def causes(row: dict) -> str:
    told = [f"{count} {cause}" for cause, count in row.get("causes", {}).items()]
    return ", ".join(told + [f"{step} FAILED: {text}" for step, text in row["failed"].items()]) or "-"


def cells(row: dict) -> list[str]:
    share = f"{100 * row['npu_share']:.1f} %" if "npu_share" in row else "-"
    none = f"{row['none_difference']:.0e}" if "none_difference" in row else "-"
    return [row["family"], row["exporter"], str(row.get("npu_subgraphs", "-")), str(row.get("cpu_subgraphs", "-")),
            share, decibels(row.get("snr_db")), decibels(row.get("ort_snr_db")), none, causes(row)]


def show(given: argparse.Namespace, row: dict) -> None:
    if given.json:
        print(json.dumps(row), flush=True)
    elif given.markdown:
        print("|", " | ".join(cells(row)), "|", flush=True)
    else:
        name, exporter, npu, cpu, share, snr, peer, none, why = cells(row)
        print(f"{name:16s} {exporter:10s} {npu:>3s} {cpu:>3s} {share:>7s} {snr:>14s} {peer:>14s} {none:>7s}  {why}",
              flush=True)


def main() -> int:
    given = arguments()
    logging.getLogger().setLevel(logging.ERROR)  # ONNX Runtime's quantizer warns of every BatchNormalization
    torch.set_num_threads(1)  # sums in one order: the same weights and statistics every time
    families = chosen(given.only)
    if given.markdown:
        print("| family | exporter | NPU | CPU | MACs on the NPU | SNR, dB | ONNX Runtime INT8, dB | `none` | on the CPU |")
        print("|---|---|--:|--:|--:|--:|--:|--:|---|")
    elif not given.json:
        print(HEADER)
    failed = False
    for family in families:
        for exporter in EXPORTERS:
            if exporter.name in given.exporters and exporter.opset >= family.least_opset:
                row = measure(family, exporter, given.work, given.npu, given.free_batch)
                failed |= bool(row["failed"].keys() - {"onnxruntime"})  # the peer's own failures are not ours
                show(given, row)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
