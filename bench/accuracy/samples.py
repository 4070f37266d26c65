"""Arrays of many samples: one array with the samples along axis 0, or a list of arrays where they differ in size."""

from pathlib import Path

import numpy as np

Samples = np.ndarray | list[np.ndarray]


def of_one_size(arrays: list[np.ndarray]) -> bool:
    return len({array.shape for array in arrays}) < 2


def gathered(arrays: list[np.ndarray]) -> Samples:
    return np.stack(arrays) if of_one_size(arrays) else arrays


def chosen(samples: Samples, indices) -> Samples:
    return samples[indices] if isinstance(samples, np.ndarray) else [samples[i] for i in indices]


def save(path: Path, samples: Samples) -> None:
    """PATH.npy, or PATH.npz where the samples differ in size."""
    if isinstance(samples, np.ndarray):
        np.save(path.with_suffix(".npy"), samples)
    else:
        np.savez(path.with_suffix(".npz"), **{f"{index:06}": sample for index, sample in enumerate(samples)})


def load(path: Path) -> Samples:
    """What `save` wrote; one array is memory-mapped."""
    if path.with_suffix(".npy").exists():
        return np.load(path.with_suffix(".npy"), mmap_mode="r")
    with np.load(path.with_suffix(".npz")) as arrays:
        return [arrays[name] for name in sorted(arrays.files)]


def write_for_calotype(path: Path, input_name: str, samples: Samples) -> Path:
    """An .npz that `calotype` takes, or a folder of arrays; returns its path."""
    if isinstance(samples, np.ndarray):
        np.savez(path.with_suffix(".npz"), **{input_name: samples})
        return path.with_suffix(".npz")
    path.mkdir(parents=True, exist_ok=True)
    for old in path.iterdir():
        old.unlink()
    for index, sample in enumerate(samples):
        np.save(path / f"{index:06}.npy", sample[None])
    return path


def read_from_calotype(path: Path, input_name: str) -> Samples:
    """What `write_for_calotype` wrote."""
    if path.is_dir():
        return [np.load(file)[0] for file in sorted(path.iterdir())]
    with np.load(path) as arrays:
        return arrays[input_name]
