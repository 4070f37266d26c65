"""The figures of bench/accuracy on values worked out by hand."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from bench.accuracy import measures, samples  # noqa: E402
from bench.accuracy.metrics import detection, psnr, top1  # noqa: E402

REFERENCE = np.array([[1.0, 3.0], [4.0, 0.0]])


def test_top1_and_agreement():
    outputs = np.array([[2.0, 1.0], [4.0, 0.0]])
    assert top1.score(outputs, np.array([0, 1])) == 50
    assert top1.agreement(outputs, REFERENCE) == 50


def test_snr():
    assert measures.snr_db(REFERENCE, REFERENCE) == math.inf
    of_two_sizes = [np.array([3.0, 4.0]), np.array([5.0])]
    assert measures.snr_db([x * 1.1 for x in of_two_sizes], of_two_sizes) == pytest.approx(20)
    assert measures.snr_db(REFERENCE * 1.1, REFERENCE) == pytest.approx(20)


def test_centred_snr_does_not_see_a_shift_of_all_classes():
    assert measures.snr_db(REFERENCE + 7, REFERENCE, centred=True) > 250
    assert measures.snr_db(REFERENCE + 7, REFERENCE) < 0


def test_outputs_of_another_shape_are_refused():
    with pytest.raises(ValueError):
        measures.snr_db(REFERENCE[:1], REFERENCE)


def test_psnr_is_the_mean_over_images_of_the_scored_pixels():
    labels = [np.array([[0.5, np.nan], [0.5, 0.5]]), np.array([[0.5, 0.5]])]
    outputs = [np.array([[[0.6, 9], [0.6, 0.4]]]), np.array([[[0.51, 0.49]]])]  # 20 dB and 40 dB
    assert psnr.score(outputs, labels) == pytest.approx(30, abs=1e-4)


@pytest.mark.parametrize("shapes", [[(1, 3, 4), (1, 3, 4)], [(1, 3, 4), (1, 5, 2)]], ids=["one size", "two sizes"])
def test_samples_come_back_as_they_were_written(tmp_path: Path, shapes):
    made = samples.gathered([np.random.default_rng(0).random(shape, np.float32) for shape in shapes])
    samples.save(tmp_path / "kept", made)
    written = samples.write_for_calotype(tmp_path / "given", "x", made)
    for found in (samples.load(tmp_path / "kept"), samples.read_from_calotype(written, "x")):
        assert type(found) is not list or type(made) is list
        assert all(np.array_equal(x, y) for x, y in zip(found, made, strict=True))


def rows_of(*found):
    """YOLOX's output of one image: boxes of the first cells, (centre x, centre y, side) in pixels, confidence, class."""
    rows = np.zeros((3549, 85), np.float32)
    for cell, (x, y, side, confidence, of_class) in enumerate(found):
        rows[cell, :4] = x / 8 - cell, y / 8, np.log(side / 8), np.log(side / 8)
        rows[cell, 4], rows[cell, 5 + of_class] = confidence, 1
    return rows


def labels_of(*boxes):
    rows = np.full((4, 5), detection.NO_BOX, float)
    for row, (x, y, side, of_class) in zip(rows, boxes):
        row[:] = of_class, x - side / 2, y - side / 2, x + side / 2, y + side / 2
    return rows


def score(outputs, labels):
    return detection.score(np.stack([outputs]), np.stack([labels]))


def test_boxes_are_decoded_and_doubles_suppressed():
    boxes, scores, classes = detection.detections(rows_of((100, 60, 40, 0.5, 3), (101, 60, 40, 0.9, 3), (100, 60, 40, 0.4, 7)))
    assert np.allclose(boxes, [[81, 40, 121, 80], [80, 40, 120, 80]], atol=1e-3)
    assert np.allclose(scores, [0.9, 0.4]) and list(classes) == [3, 7]


def test_map_of_a_perfect_detector_is_100():
    truth = labels_of((100, 60, 40, 3), (300, 200, 80, 7))
    assert score(rows_of((100, 60, 40, 0.5, 3), (300, 200, 80, 0.9, 7)), truth) == pytest.approx(100)


def test_map_counts_what_is_missed_misplaced_and_invented():
    truth = labels_of((100, 60, 40, 3), (300, 200, 80, 3))
    one_of_two = rows_of((100, 60, 40, 0.5, 3))
    assert score(one_of_two, truth) == pytest.approx(100 * 51 / 101)  # recalls 0.00 to 0.50
    assert score(rows_of((100, 60, 40, 0.5, 4)), truth) == 0
    invented_first = rows_of((100, 60, 40, 0.5, 3), (200, 300, 40, 0.9, 3), (300, 200, 80, 0.4, 3))
    assert score(invented_first, truth) == pytest.approx(100 * 2 / 3)
    shifted = rows_of((105, 60, 40, 0.5, 3))  # IoU 35 / 45 = 0.78: right up to the threshold 0.75
    assert score(shifted, labels_of((100, 60, 40, 3))) == pytest.approx(60)


def test_class_columns_have_an_snr_of_their_own():
    fp32 = np.ones((1, 3549, 85))
    outputs = fp32.copy()
    outputs[..., 5:] *= 1.1
    details = detection.details(outputs, fp32, np.stack([labels_of((100, 60, 40, 3))]))
    assert details["box_db"] == math.inf and details["class_db"] == pytest.approx(20)
