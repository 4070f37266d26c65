"""The figures of bench/accuracy on values worked out by hand."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from bench.accuracy import measures  # noqa: E402

REFERENCE = np.array([[1.0, 3.0], [4.0, 0.0]])


def test_top1_and_agreement():
    outputs = np.array([[2.0, 1.0], [4.0, 0.0]])
    assert measures.top1(outputs, np.array([0, 1])) == 50
    assert measures.agreement(outputs, REFERENCE) == 50


def test_snr():
    assert measures.snr_db(REFERENCE, REFERENCE) == math.inf
    assert measures.snr_db(REFERENCE * 1.1, REFERENCE) == pytest.approx(20)


def test_centred_snr_does_not_see_a_shift_of_all_classes():
    assert measures.snr_db(REFERENCE + 7, REFERENCE, centred=True) > 250
    assert measures.snr_db(REFERENCE + 7, REFERENCE) < 0


def test_outputs_of_another_shape_are_refused():
    with pytest.raises(ValueError):
        measures.snr_db(REFERENCE[:1], REFERENCE)
