"""Object detection with ONNX Runtime: YOLOX-Nano with non-maximum suppression, mean average precision as COCO defines it.

usage: python3 yolox_nano.py yolox_nano.onnx IMAGES LABELS [--count N]
LABELS holds a file ID.txt for each image, a line a box: class, centre and size relative to the image.
"""

import argparse
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

SIDE, STRIDES = 416, (8, 16, 32)
CONFIDENCE, NMS_IOU = 0.01, 0.65
IOUS = np.arange(50, 100, 5) / 100


def letterbox(image: Image.Image) -> tuple[np.ndarray, float]:
    """BGR, the image in the upper left corner, and its scale."""
    scale = min(SIDE / image.width, SIDE / image.height)
    resized = image.resize((int(image.width * scale), int(image.height * scale)), Image.BILINEAR)
    canvas = np.full((SIDE, SIDE, 3), 114, np.float32)
    canvas[: resized.height, : resized.width] = np.asarray(resized)[..., ::-1]
    return canvas.transpose(2, 0, 1)[None], scale


def decode(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Corners in input pixels, scores and classes of [3549, 85], the best first."""
    cells = [np.stack(np.meshgrid(np.arange(SIDE // s), np.arange(SIDE // s)), -1).reshape(-1, 2) for s in STRIDES]
    stride = np.repeat(STRIDES, [len(c) for c in cells])[:, None]
    centre = (rows[:, :2] + np.concatenate(cells)) * stride
    half = np.exp(rows[:, 2:4].astype(np.float64)) * stride / 2
    classes = rows[:, 5:].argmax(1)
    scores = rows[:, 4] * rows[np.arange(len(rows)), 5 + classes]
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] > CONFIDENCE]
    return np.concatenate([centre - half, centre + half], 1)[order], scores[order], classes[order]


def overlaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union, [len(a), len(b)]."""
    size = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    inside = np.prod(np.clip(size, 0, None), axis=-1)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (a, b)]
    return inside / (areas[0][:, None] + areas[1][None, :] - inside)


def suppress(boxes: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Indices of the boxes that no better one of their class covers."""
    kept = []
    for c in np.unique(classes):
        left = np.flatnonzero(classes == c)
        while len(left):
            kept.append(left[0])
            left = left[1:][overlaps(boxes[left[:1]], boxes[left[1:]])[0] <= NMS_IOU]
    return np.sort(np.array(kept, int))


def truth(path: Path, image: Image.Image, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Classes and corners in input pixels."""
    lines = np.loadtxt(path, ndmin=2).reshape(-1, 5) if path.exists() and path.stat().st_size else np.zeros((0, 5))
    centre, size = lines[:, 1:3] * image.size * scale, lines[:, 3:5] * image.size * scale
    return lines[:, 0].astype(int), np.concatenate([centre - size / 2, centre + size / 2], 1)


def matches(boxes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """[IoU threshold, box], the best box first: it takes the free true box that it overlaps most."""
    hits = np.zeros((len(IOUS), len(boxes)), bool)
    overlap = overlaps(boxes, wanted)
    for t, least in enumerate(IOUS):
        free = np.ones(len(wanted), bool)
        for i in range(len(boxes)):
            candidates = np.where(free & (overlap[i] >= least), overlap[i], -1)
            if len(wanted) and candidates.max() >= 0:
                hits[t, i] = True
                free[candidates.argmax()] = False
    return hits


def average_precision(hits: np.ndarray, boxes: int) -> float:
    found = np.cumsum(hits)
    precision = np.maximum.accumulate((found / np.arange(1, len(hits) + 1))[::-1])[::-1]
    at = np.searchsorted(found / boxes, np.linspace(0, 1, 101), side="left")
    return float(np.mean(np.append(precision, 0)[np.minimum(at, len(hits))]))


def mean_average_precision(results: list) -> float:
    precisions = []
    for c in np.unique(np.concatenate([classes for *_, classes, _ in results])):
        scores, hits, count = [], [], 0
        for boxes, confidences, found, classes, wanted in results:
            scores.append(confidences[found == c])
            hits.append(matches(boxes[found == c], wanted[classes == c]))
            count += int(np.sum(classes == c))
        order = np.argsort(-np.concatenate(scores), kind="stable")
        precisions.append([average_precision(h[order], count) for h in np.concatenate(hits, axis=1)])
    return 100 * float(np.mean(precisions))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("images")
    parser.add_argument("labels")
    parser.add_argument("--count", type=int, default=64)
    args = parser.parse_args()
    session = onnxruntime.InferenceSession(args.model, providers=["CPUExecutionProvider"])
    results = []
    for path in sorted(Path(args.images).glob("*.jpg"))[: args.count]:
        image = Image.open(path).convert("RGB")
        pixels, scale = letterbox(image)
        rows = session.run(None, {session.get_inputs()[0].name: pixels})[0][0]
        boxes, scores, classes = decode(rows)
        kept = suppress(boxes, classes)
        results.append((boxes[kept], scores[kept], classes[kept], *truth(Path(args.labels) / f"{path.stem}.txt", image, scale)))
    print(f"mAP {mean_average_precision(results):.1f} % on {len(results)} images")


if __name__ == "__main__":
    main()
