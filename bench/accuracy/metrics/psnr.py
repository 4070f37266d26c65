"""Super resolution: peak signal-to-noise ratio of the luma, the mean over the images, which may differ in size."""

import numpy as np

from bench.accuracy.samples import Samples

NAME, UNIT = "PSNR", "dB"


def score(outputs: Samples, labels: Samples) -> float:
    """`labels`: the luma that should come out, in [0, 1]; NaN where it is not scored."""
    errors = [np.nanmean((np.clip(output.reshape(label.shape).astype(np.float64), 0, 1) - label) ** 2)
              for output, label in zip(outputs, labels, strict=True)]
    return float(np.mean(-10 * np.log10(errors)))


def details(outputs: Samples, fp32: Samples, labels: Samples) -> dict:
    return {}
