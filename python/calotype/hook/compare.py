"""Whether results agree, and whether a network computes the samples of a batch one by one, as the NPU does."""

from collections.abc import Callable

import numpy as np

# Two FP32 implementations of one network: sums in another order, of the size of the largest output.
TOLERANCE = 1e-3
MIXES = "it mixes the samples of a batch, which the NPU computes one by one"


class Mixed(Exception):
    """A sample's result depends on the others of its batch."""


def close(a: np.ndarray, b: np.ndarray) -> bool:
    if a.shape != b.shape:
        return False
    largest = np.max(np.abs(b), initial=0, where=np.isfinite(b)) if b.dtype != bool else 1
    return np.allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE * largest + 1e-6, equal_nan=True)


def different_rows(calls: list[list[np.ndarray]]) -> list[list[np.ndarray]]:
    """One sample each, no two alike and all of one size; none where the inputs have no common batch."""
    rows = {}
    for call in calls:
        if len({array.shape[0] if array.ndim else 0 for array in call}) != 1 or not call[0].ndim:
            return []
        if [array.shape[1:] for array in call] != [array.shape[1:] for array in calls[0]]:
            continue
        for i in range(len(call[0])):
            row = [array[i : i + 1] for array in call]
            rows.setdefault(b"".join(array.tobytes() for array in row), row)
    return list(rows.values())


def batch_of_two(compute: Callable[[list], list], rows: list[list[np.ndarray]]):
    """(inputs, results) of two samples in one batch; None where `compute` takes no such batch. Raises Mixed."""
    if not rows:
        return None
    first = rows[0]
    second = rows[-1] if len(rows) > 1 else [np.ascontiguousarray(array[..., ::-1]) for array in first]
    call = [np.concatenate(arrays) for arrays in zip(first, second)]
    try:
        together, alone = compute(call), [compute(first), compute(second)]
    except Exception:  # whatever a network does with a batch it was not made for
        return None
    if any(len(each) != len(together) for each in alone):
        raise Mixed
    for result, *parts in zip(together, *alone):
        one_a_sample = all(part.ndim and part.shape[1:] == result.shape[1:] for part in parts)
        if not one_a_sample or not close(result, np.concatenate(parts)):
            raise Mixed
    return call, together
