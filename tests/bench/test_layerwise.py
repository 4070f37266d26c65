"""The judge of bench.layerwise must be able to say no."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from bench.layerwise.judge import by_kind, judge  # noqa: E402


def said(equal: int, apart: int, view: float = 90.0) -> list[str]:
    """Of a layer of 100,000 codes, and 90 % by the emulator."""
    rows = [{"layer": "NPU_0/conv", "kind": "Conv", "codes": 100_000, "equal": equal, "apart": apart}]
    return judge(rows, by_kind(rows), {"view": view, "npu": 90.0})


def test_equal_codes_are_fine():
    assert said(100_000, 0) == [] and said(99_990, 1) == []


def test_what_differs_is_said():
    assert said(99_999, 2) == ["NPU_0/conv (Conv): 2 codes apart"]
    assert said(99_989, 1) == ["Conv: 99.989 % equal"]
    assert said(100_000, 0, view=89.5) == ["end to end: 89.50 by the view, 90.00 by the emulator"]
