"""Labelled sets: each function gives what calibrates (never scored) and what is scored."""

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np

from bench.accuracy import images
from bench.accuracy.metrics import detection
from bench.accuracy.samples import Samples, gathered


@dataclass
class Split:
    """Samples of a set, float32, and what they are scored against."""

    calibration: Samples
    inputs: Samples
    labels: Samples


def _cifar_records(path) -> tuple[np.ndarray, np.ndarray]:
    records = np.fromfile(path, np.uint8).reshape(-1, 3073)
    return records[:, 1:].reshape(-1, 3, 32, 32).astype(np.float32), records[:, 0].astype(np.int64)


def cifar10(data: Path, prepare: Callable) -> Split:
    """Scored: the 5,000 test images. Calibration: 1,000 training images."""
    calibration, _ = _cifar_records(data / "cifar10/train_calib.bin")
    test, labels = _cifar_records(data / "cifar10/test.bin")
    return Split(prepare(calibration), prepare(test), labels)


def cifar10_normalized(data: Path) -> Split:
    mean = np.array([0.485, 0.456, 0.406], np.float32)[:, None, None]
    std = np.array([0.229, 0.224, 0.225], np.float32)[:, None, None]
    return cifar10(data, lambda pixels: (pixels / np.float32(255) - mean) / std)


def cifar10_raw(data: Path) -> Split:
    return cifar10(data, lambda pixels: pixels)


def mnist(data: Path) -> Split:
    """The first 200 test images calibrate, the other 9,800 are scored."""
    pixels = gzip.decompress((data / "mnist/t10k-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((data / "mnist/t10k-labels-idx1-ubyte.gz").read_bytes())
    samples = np.frombuffer(pixels, np.uint8, offset=16).reshape(-1, 1, 28, 28).astype(np.float32)
    classes = np.frombuffer(labels, np.uint8, offset=8).astype(np.int64)
    return Split(samples[:200], samples[200:], classes[200:])


def keywords(data: Path) -> Split:
    """The first 100 utterances calibrate, the other 400 are scored."""
    folder = data / "mlperf_tiny/kws_dscnn"
    codes = np.fromfile(folder / "inputs_int8.bin", np.int8).reshape(-1, 1, 49, 10)
    samples = (codes.astype(np.float32) - np.float32(83)) * np.float32(0.5847029)
    classes = np.fromfile(folder / "labels.bin", np.uint8).astype(np.int64)
    return Split(samples[:100], samples[100:], classes[100:])


def _shows_person(label_file: Path) -> bool:
    boxes = [line.split() for line in label_file.read_text().splitlines() if line.strip()]
    return any(box[0] == "0" and float(box[3]) * float(box[4]) > 0.005 for box in boxes)


def persons(data: Path) -> Split:
    """Scored: the 64 images of COCO val2017. Calibration: 40 training images."""
    calibration = sorted((data / "coco/calib_train2017").glob("*.jpg"))
    test = sorted((data / "coco/val2017").glob("*.jpg"))
    labels = [_shows_person(data / "coco/labels_val2017" / f"{path.stem}.txt") for path in test]
    return Split(np.stack([images.vww(path) for path in calibration]), np.stack([images.vww(path) for path in test]),
                 np.array(labels, np.int64))


def imagenet(data: Path, prepare: Callable) -> Split:
    """500 images; every fifth calibrates, the other 400 are scored."""
    classes = {line.split()[0]: int(line.split()[1]) for line in (data / "imagenet/labels.txt").read_text().splitlines()}
    paths = sorted((data / "imagenet/images").glob("*.jpg"))
    scored = [path for index, path in enumerate(paths) if index % 5 != 0]
    return Split(np.stack([prepare(path) for path in paths[::5]]), np.stack([prepare(path) for path in scored]),
                 np.array([classes[path.name] for path in scored], np.int64))


def _coco_boxes(label_file: Path, image: Path, factor: float, most: int) -> np.ndarray:
    """[most, 5]: class and corners in pixels of the network's input."""
    with images.Image.open(image) as opened:
        size = np.array(opened.size * 2)
    rows = np.full((most, 5), detection.NO_BOX, np.float64)
    given = np.array([line.split() for line in label_file.read_text().splitlines() if line.strip()], float).reshape(-1, 5)
    corners = np.concatenate([given[:, 1:3] - given[:, 3:] / 2, given[:, 1:3] + given[:, 3:] / 2], axis=1)
    rows[:len(given)] = np.concatenate([given[:, :1], corners * size * factor], axis=1)
    return rows


def coco(data: Path) -> Split:
    """Scored: the 64 images of val2017. Calibration: 40 training images."""
    most = 32  # boxes an image; the fullest has 29
    paths = sorted((data / "coco/val2017").glob("*.jpg"))
    calibration = sorted((data / "coco/calib_train2017").glob("*.jpg"))
    prepared = [images.yolox(path, detection.SIDE) for path in paths]
    boxes = [_coco_boxes(data / "coco/labels_val2017" / f"{path.stem}.txt", path, factor, most)
             for path, (_, factor) in zip(paths, prepared)]
    return Split(np.stack([images.yolox(path, detection.SIDE)[0] for path in calibration]),
                 np.stack([pixels for pixels, _ in prepared]), np.stack(boxes))


def set14(data: Path) -> Split:
    """Scored: the luma of Set14's 14 images, each at its own size, doubled, a border of 2 pixels left out. Calibration: COCO
    training images at half their size, each at its own size too."""
    border = 2
    calibration = sorted((data / "coco/calib_train2017").glob("*.jpg"))
    inputs, labels = [], []
    for path in sorted((data / "super_resolution/Set14_x2").glob("*_LR.png")):
        high = images.luma_of(path.with_name(path.name.replace("_LR", "_HR")))
        scored = np.full_like(high, np.nan)
        scored[border:-border, border:-border] = high[border:-border, border:-border]
        inputs.append(images.luma_of(path)[None])
        labels.append(scored)
    return Split(gathered([images.half_luma(path)[None] for path in calibration]), gathered(inputs), gathered(labels))
