"""Detection with YOLOX's output: COCO's mean average precision (IoU 0.50 to 0.95, 101 points of recall)."""

import numpy as np

from bench.accuracy.measures import snr_db

NAME, UNIT = "mAP", "%"

CONFIDENCE = 0.01  # detections below are dropped
NMS_IOU = 0.65
SIDE = 416  # of the square input, in pixels
STRIDES = (8, 16, 32)
IOUS = np.arange(50, 100, 5) / 100
NO_BOX = -1  # class of the rows that fill up an image's labels [most, 5]: class, then corners in input pixels


def score(outputs: np.ndarray, labels: np.ndarray) -> float:
    return 100 * float(np.mean(average_precisions(outputs, labels)))


def details(outputs: np.ndarray, fp32: np.ndarray, labels: np.ndarray) -> dict:
    figures = {"AP50_fp32": 100 * average_precisions(fp32, labels)[0], "AP50_npu": 100 * average_precisions(outputs, labels)[0]}
    for name, columns in (("box", slice(0, 4)), ("objectness", slice(4, 5)), ("class", slice(5, None))):
        figures[f"{name}_db"] = snr_db(*(_rows(values)[..., columns] for values in (outputs, fp32)))
    return figures


def average_precisions(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """By IoU threshold, the mean over the classes that the labels have."""
    found = [detections(rows) for rows in _rows(outputs)]  # by image
    classes = [c for c in np.unique(labels[..., 0]) if c != NO_BOX]
    precisions = []
    for c in classes:
        scores, hits, boxes = [], [], 0
        for (image_boxes, image_scores, image_classes), truth in zip(found, labels):
            of_class = image_classes == c
            truth_boxes = truth[truth[:, 0] == c, 1:]
            boxes += len(truth_boxes)
            scores.append(image_scores[of_class])
            hits.append(matches(image_boxes[of_class], truth_boxes))
        order = np.argsort(-np.concatenate(scores), kind="stable")
        precisions.append([average_precision(h[order], boxes) for h in np.concatenate(hits, axis=1)])
    return np.mean(precisions, axis=0)


def detections(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Corners in input pixels, confidences and classes of one image's rows [3549, 85], the most confident first."""
    cells = [np.stack(np.meshgrid(np.arange(SIDE // s), np.arange(SIDE // s)), -1).reshape(-1, 2) for s in STRIDES]
    stride = np.repeat(STRIDES, [len(c) for c in cells])[:, None]
    centre = (rows[:, :2] + np.concatenate(cells)) * stride
    half = np.exp(rows[:, 2:4].astype(np.float64)) * stride / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1)
    classes = np.argmax(rows[:, 5:], axis=1)
    scores = rows[:, 4] * rows[np.arange(len(rows)), 5 + classes]
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] > CONFIDENCE]
    boxes, scores, classes = boxes[order], scores[order], classes[order]
    kept = np.sort(np.concatenate([np.flatnonzero(classes == c)[nms(boxes[classes == c])] for c in np.unique(classes)]
                                  or [np.zeros(0, int)]))
    return boxes[kept], scores[kept], classes[kept]


def nms(boxes: np.ndarray) -> np.ndarray:
    """Indices of the boxes that no better kept one covers; the best come first."""
    kept, left = [], np.arange(len(boxes))
    while len(left):
        kept.append(left[0])
        left = left[1:][overlaps(boxes[left[:1]], boxes[left[1:]])[0] <= NMS_IOU]
    return np.array(kept, int)


def overlaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union, [len(a), len(b)]."""
    size = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    inside = np.prod(np.clip(size, 0, None), axis=-1)
    area_a, area_b = (np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (a, b))
    return inside / (area_a[:, None] + area_b[None, :] - inside)


def matches(boxes: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """[IoU threshold, box], the best box first: it takes the free true box that it overlaps most."""
    hits = np.zeros((len(IOUS), len(boxes)), bool)
    overlap = overlaps(boxes, truth)
    for t, least in enumerate(IOUS):
        free = np.ones(len(truth), bool)
        for i in range(len(boxes)):
            candidates = np.where(free & (overlap[i] >= least), overlap[i], -1)
            if len(truth) and candidates.max() >= 0:
                hits[t, i] = True
                free[candidates.argmax()] = False
    return hits


def average_precision(hits: np.ndarray, truth: int) -> float:
    """Of detections in the order of their confidence: the precision reached at or beyond each of 101 recalls."""
    true = np.cumsum(hits)
    precision = np.maximum.accumulate((true / np.arange(1, len(hits) + 1))[::-1])[::-1]
    at = np.searchsorted(true / truth, np.linspace(0, 1, 101), side="left")
    return float(np.mean(np.append(precision, 0)[np.minimum(at, len(hits))]))


def _rows(outputs: np.ndarray) -> np.ndarray:
    return outputs.reshape(len(outputs), -1, 85)
