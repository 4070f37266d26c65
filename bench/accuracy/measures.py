"""How far outputs are from the reference's."""

import math

import numpy as np


def snr_db(outputs: np.ndarray, reference: np.ndarray, centred: bool = False) -> float:
    """Signal-to-noise ratio over all samples. Centred: each sample's mean over the classes is removed, as top-1 and
    Softmax do not see it."""
    x, y = (values.reshape(len(values), -1).astype(np.float64) for values in (reference, outputs))
    if x.shape != y.shape:
        raise ValueError(f"outputs {y.shape} are not the reference's {x.shape}")
    if centred:
        x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    noise = float(np.sum((x - y) ** 2))
    return math.inf if noise == 0 else 10 * math.log10(float(np.sum(x ** 2)) / noise)
