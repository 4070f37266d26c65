"""What a row of the table says, from reports, outputs and errors."""

import re
from collections import Counter

import numpy as np

from bench.accuracy.measures import snr_db


def largest_difference(found: list[np.ndarray], reference: list[np.ndarray]) -> float:
    """Over all outputs, relative to the largest value of each."""
    return max(float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-30)) for a, b in zip(found, reference, strict=True))


def snr_of_parts(found: dict[str, np.ndarray], reference: dict[str, np.ndarray]) -> dict[str, float]:
    return {name: round(snr_db(found[name], values), 2) for name, values in reference.items()}


def split(report: dict) -> dict:
    """Where the operators run, and each cause why one is on the CPU with how often it is told."""
    totals = report["totals"]
    causes = Counter(f"{operator['operator']} {operator['reason']['rule']}" for operator in report["operators"]
                     if operator["device"] == "CPU" and "reason" in operator)
    return {"npu_subgraphs": totals["npu_subgraphs"], "cpu_subgraphs": totals["cpu_subgraphs"],
            "npu_share": totals["npu_share"], "causes": dict(causes.most_common())}


def failure(error: Exception) -> str:
    """A sentence; for the command's own failures its exit code and first line, as a crash is not a refusal."""
    text = str(error).strip()
    ended = re.search(r"exit (-?\d+)\n?(.*)", text)
    return f"exit {ended[1]}: {ended[2]}" if ended else f"{type(error).__name__}: {text.splitlines()[0][:200]}"
