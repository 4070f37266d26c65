"""The figures of bench/families on values worked out by hand."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from bench import calotype_cli  # noqa: E402
from bench.families import figures  # noqa: E402


def operator(name, device, rule=None):
    return {"operator": name, "device": device} | ({"reason": {"rule": rule}} if rule else {})


def test_split_counts_each_cause():
    report = {"totals": {"npu_subgraphs": 2, "cpu_subgraphs": 1, "npu_share": 0.5},
              "operators": [operator("Conv", "NPU"), operator("Softmax", "CPU", "NPU_SOFTMAX"),
                            operator("Mul", "CPU", "NPU_MUL_CHANNELS"), operator("Mul", "CPU", "NPU_MUL_CHANNELS")]}
    assert figures.split(report) == {"npu_subgraphs": 2, "cpu_subgraphs": 1, "npu_share": 0.5,
                                     "causes": {"Mul NPU_MUL_CHANNELS": 2, "Softmax NPU_SOFTMAX": 1}}


def test_largest_difference_is_relative_to_each_output():
    reference = [np.array([10.0, -20.0]), np.array([0.1])]
    assert figures.largest_difference([np.array([10.0, -19.0]), np.array([0.1])], reference) == pytest.approx(0.05)
    assert figures.largest_difference([np.array([10.0, -20.0]), np.array([0.08])], reference) == pytest.approx(0.2)
    with pytest.raises(ValueError):
        figures.largest_difference(reference[:1], reference)


def test_parts_are_judged_apart():
    reference = {"boxes": np.array([[100.0]]), "scores": np.array([[1.0]])}
    found = {"boxes": np.array([[101.0]]), "scores": np.array([[1.0]])}
    assert figures.snr_of_parts(found, reference) == {"boxes": 40, "scores": math.inf}


def test_a_crash_is_told_from_a_refusal():
    assert figures.failure(calotype_cli.Failed("calotype compile: exit -11\n")) == "exit -11: "
    assert figures.failure(calotype_cli.Failed("calotype compile: exit 1\nSAMPLE_NONE: x")) == "exit 1: SAMPLE_NONE: x"
    assert figures.failure(ValueError("no\nmore")) == "ValueError: no"
