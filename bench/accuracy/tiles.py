"""Images of many sizes in tiles of one: a snapshot holds one size. Once it holds any, this file and its use in sets.py go."""

import numpy as np

SIDE = 112  # no larger than the smallest image
MARGIN = 8  # at least what a pixel of fsrcnn sees beside it (6), so that a tile's middle is the whole image's


def starts(length: int) -> list[int]:
    """Where the tiles of an axis begin: the last one ends with the axis."""
    inside = SIDE - 2 * MARGIN
    count = 1 + max(0, -(-(length - SIDE) // inside))
    return [min(i * inside, length - SIDE) for i in range(count)]


def cut(image: np.ndarray, scored: np.ndarray, factor: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Tiles [SIDE, SIDE] of the image and `factor` as large ones of what should come out of it; every pixel of `scored` is in
    one tile only, the others hold NaN there."""
    scored = scored.copy()
    found = []
    for top in starts(image.shape[0]):
        for left in starts(image.shape[1]):
            label = np.full((SIDE * factor, SIDE * factor), np.nan, np.float32)
            rows, label_rows = _middle(top, image.shape[0], factor)
            columns, label_columns = _middle(left, image.shape[1], factor)
            label[label_rows, label_columns] = scored[rows, columns]
            scored[rows, columns] = np.nan
            found.append((image[top:top + SIDE, left:left + SIDE], label))
    return found


def _middle(start: int, length: int, factor: int) -> tuple[slice, slice]:
    """Of an axis: the pixels a tile answers for, in the image's and in its own coordinates. The image's edge has no margin."""
    first = start + (MARGIN if start > 0 else 0)
    last = start + SIDE - (MARGIN if start + SIDE < length else 0)
    return slice(first * factor, last * factor), slice((first - start) * factor, (last - start) * factor)
