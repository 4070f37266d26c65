"""Figures of one set of outputs against another and against labels."""

import math

import numpy as np


def top1(outputs: np.ndarray, labels: np.ndarray) -> float:
    """Share of samples whose largest output is the label's, in %."""
    return float(np.mean(_classes(outputs) == labels) * 100)


def agreement(outputs: np.ndarray, reference: np.ndarray) -> float:
    """Share of samples whose top-1 equals the reference's, in %."""
    return float(np.mean(_classes(outputs) == _classes(reference)) * 100)


def snr_db(outputs: np.ndarray, reference: np.ndarray, centred: bool = False) -> float:
    """Signal-to-noise ratio over all samples. Centred: each sample's mean over the classes is removed, as top-1 and
    Softmax do not see it."""
    x, y = (_rows(values).astype(np.float64) for values in (reference, outputs))
    if x.shape != y.shape:
        raise ValueError(f"outputs {y.shape} are not the reference's {x.shape}")
    if centred:
        x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    noise = float(np.sum((x - y) ** 2))
    return math.inf if noise == 0 else 10 * math.log10(float(np.sum(x ** 2)) / noise)


def _rows(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), -1)


def _classes(outputs: np.ndarray) -> np.ndarray:
    return np.argmax(_rows(outputs), axis=1)
