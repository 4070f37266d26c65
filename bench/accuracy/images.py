"""Image files to network inputs, one function a network, exactly as the networks' authors prepare them."""

import cv2
import numpy as np
from PIL import Image


def _rgb(path) -> Image.Image:
    return Image.open(path).convert("RGB")


def _short_side(image: Image.Image, size: int, how) -> Image.Image:
    width, height = image.size
    if width <= height:
        return image.resize((size, int(size * height / width)), how)
    return image.resize((int(size * width / height), size), how)


def _centre_crop(image: Image.Image, size: int) -> Image.Image:
    width, height = image.size
    left, top = round((width - size) / 2), round((height - size) / 2)
    return image.crop((left, top, left + size, top + size))


def _planes(pixels) -> np.ndarray:
    """[H, W, C] of any type to float32 [C, H, W]."""
    return np.ascontiguousarray(np.asarray(pixels, np.float32).transpose(2, 0, 1))


def mcunet(path) -> np.ndarray:
    """Short side to 201 bilinear, centre crop 176, RGB in [-1, 1]."""
    cropped = _centre_crop(_short_side(_rgb(path), 201, Image.Resampling.BILINEAR), 176)
    return (_planes(cropped) / np.float32(255) - np.float32(0.5)) / np.float32(0.5)


def efficientnet_lite0(path) -> np.ndarray:
    """Short side to 256 bicubic, centre crop 224, RGB, (x - 127) / 128."""
    cropped = _centre_crop(_short_side(_rgb(path), 256, Image.Resampling.BICUBIC), 224)
    return (_planes(cropped) - np.float32(127)) / np.float32(128)


def squeezenet(path) -> np.ndarray:
    """Centre square, resized to 227 without antialiasing, BGR 0..255 minus the ImageNet means."""
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    height, width = bgr.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = bgr[top:top + side, left:left + side]
    resized = cv2.resize(square, (227, 227), interpolation=cv2.INTER_LINEAR)
    return _planes(resized) - np.array([104, 117, 123], np.float32)[:, None, None]


def vww(path) -> np.ndarray:
    """The whole image resized to 96 x 96 bilinear, RGB in [0, 1]."""
    return _planes(_rgb(path).resize((96, 96), Image.Resampling.BILINEAR)) / np.float32(255)


def yolox(path, side: int) -> tuple[np.ndarray, float]:
    """BGR 0..255 in the top left corner of a square of 114, its long side resized to fit; and the factor of the resize."""
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    height, width = bgr.shape[:2]
    factor = min(side / height, side / width)
    resized = cv2.resize(bgr, (int(width * factor), int(height * factor)), interpolation=cv2.INTER_LINEAR)
    square = np.full((side, side, 3), 114, np.uint8)
    square[:resized.shape[0], :resized.shape[1]] = resized
    return _planes(square), factor


def luma(image: Image.Image) -> np.ndarray:
    """[H, W], BT.601 with head and foot room, in [0, 1]."""
    rgb = np.asarray(image, np.float32)
    return (np.float32(16) + rgb @ np.array([65.481, 128.553, 24.966], np.float32) / np.float32(255)) / np.float32(255)


def luma_of(path) -> np.ndarray:
    return luma(_rgb(path))


def half_luma(path) -> np.ndarray:
    """The image at half its size: what a network that doubles images is given."""
    rgb = _rgb(path)
    return luma(rgb.resize((rgb.width // 2, rgb.height // 2), Image.Resampling.BICUBIC))
