"""Super resolution: peak signal-to-noise ratio of the luma, the mean over the images."""

import numpy as np

NAME, UNIT = "PSNR", "dB"


def label_type(height: int, width: int) -> np.dtype:
    """A label: the image that a sample is part of and the luma it should give, in [0, 1]; NaN where it is not scored."""
    return np.dtype([("image", np.int64), ("luma", np.float32, (height, width))])


def score(outputs: np.ndarray, labels: np.ndarray) -> float:
    luma = np.clip(outputs.reshape(labels["luma"].shape).astype(np.float64), 0, 1)
    squared = (luma - labels["luma"]) ** 2
    errors = [np.nanmean(squared[labels["image"] == image]) for image in np.unique(labels["image"])]
    return float(np.mean(-10 * np.log10(errors)))


def details(outputs: np.ndarray, fp32: np.ndarray, labels: np.ndarray) -> dict:
    return {}
