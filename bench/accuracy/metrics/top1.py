"""Classification: the share of samples whose largest output is the label's."""

import numpy as np

from bench.accuracy.measures import snr_db

NAME, UNIT = "top-1", "%"


def score(outputs: np.ndarray, labels: np.ndarray) -> float:
    return float(np.mean(_classes(outputs) == labels) * 100)


def agreement(outputs: np.ndarray, reference: np.ndarray) -> float:
    """Share of samples whose top-1 equals the reference's, in %."""
    return float(np.mean(_classes(outputs) == _classes(reference)) * 100)


def details(outputs: np.ndarray, fp32: np.ndarray, labels: np.ndarray) -> dict:
    return {"agreement": agreement(outputs, fp32), "centred_db": snr_db(outputs, fp32, centred=True)}


def _classes(outputs: np.ndarray) -> np.ndarray:
    return np.argmax(outputs.reshape(len(outputs), -1), axis=1)
