"""Structured images: crops of the two photographs that scikit-learn carries, blended with smooth random fields.

White noise would not do: it has no edges and no areas of one colour, and leaves every channel the same range.
"""

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def _crop(rng: np.random.Generator, photographs, height: int, width: int) -> np.ndarray:
    """A window of random place and size, mirrored or not, in random exposure. [height, width, 3] in 0..1."""
    photograph = photographs[rng.integers(len(photographs))]
    zoom = rng.uniform(1, min(photograph.shape[0] / height, photograph.shape[1] / width))
    rows, columns = int(height * zoom), int(width * zoom)
    top = rng.integers(photograph.shape[0] - rows + 1)
    left = rng.integers(photograph.shape[1] - columns + 1)
    window = Image.fromarray(photograph[top:top + rows, left:left + columns]).resize((width, height), Image.BILINEAR)
    pixels = np.asarray(window, np.float64) / 255
    if rng.random() < 0.5:
        pixels = pixels[:, ::-1]
    return np.clip(pixels * rng.uniform(0.6, 1.3) + rng.uniform(-0.1, 0.1), 0, 1)


def _field(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A random field whose amplitude falls with frequency as that of photographs does. [height, width, 3] in 0..1."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((3, height, width))) / frequency ** rng.uniform(1, 1.6)
    field = np.fft.irfft2(spectrum, (height, width))
    mixed = np.einsum("ij,jhw->ihw", 0.4 * rng.standard_normal((3, 3)) + 1, field)  # colours go together
    mixed /= mixed.std() * 5
    return np.clip(mixed.transpose(1, 2, 0) + rng.uniform(0.3, 0.7), 0, 1)


def images(shape: tuple[int, int, int], count: int, seed: int) -> np.ndarray:
    """[count, *shape], float32; three channels are normalized as ImageNet's, one channel is luma in 0..1."""
    channels, height, width = shape
    rng = np.random.default_rng(seed)
    photographs = load_sample_images().images
    made = np.empty((count, channels, height, width), np.float32)
    for i in range(count):
        share = rng.choice([0, 0.3, 1], p=[0.5, 0.3, 0.2])
        pixels = (1 - share) * _crop(rng, photographs, height, width) + share * _field(rng, height, width)
        if channels == 1:
            made[i, 0] = pixels @ [0.299, 0.587, 0.114]
        else:
            made[i] = ((pixels - MEAN) / STD).transpose(2, 0, 1)
    return made
