"""How far outputs are from the reference's."""

import math

import numpy as np

from bench.accuracy.samples import Samples


def snr_db(outputs: Samples, reference: Samples, centred: bool = False) -> float:
    """Signal-to-noise ratio over all samples. Centred: each sample's mean over the classes is removed, as top-1 and
    Softmax do not see it."""
    signal = noise = 0.0
    for sample, wanted in zip(outputs, reference, strict=True):
        x, y = (values.reshape(-1).astype(np.float64) for values in (wanted, sample))
        if x.shape != y.shape:
            raise ValueError(f"outputs of {y.size} values are not the reference's {x.size}")
        if centred:
            x, y = x - x.mean(), y - y.mean()
        signal += float(np.sum(x ** 2))
        noise += float(np.sum((x - y) ** 2))
    return math.inf if noise == 0 else 10 * math.log10(signal / noise)
