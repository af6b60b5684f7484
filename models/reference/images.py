"""Two test pictures, and resize checksums over inputs that any language can rebuild from a formula."""

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

RESIZE_INPUTS = [(97, 61), (300, 200), (224, 224), (31, 500), (500, 31), (1, 1), (5, 3), (112, 56), (640, 480)]
RESIZE_OUTPUTS = [56, 112, 224]


def shapes_picture(width: int, height: int) -> Image.Image:
    """A colour gradient with a few hard-edged shapes."""
    y, x = np.mgrid[0:height, 0:width]
    channels = [x * 255 // (width - 1), y * 255 // (height - 1), 255 - (x + y) * 255 // (width + height - 2)]
    image = Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.ellipse((10, 8, 44, 42), fill=(220, 30, 40))
    draw.rectangle((52, 20, 85, 50), fill=(20, 60, 200))
    draw.polygon([(30, 55), (48, 25), (66, 55)], fill=(250, 240, 60))
    draw.line((0, 60, 96, 5), fill=(0, 0, 0), width=2)
    return image


def smooth_picture(width: int, height: int) -> Image.Image:
    """Waves of random direction, different in each channel, in coarse steps so that the file stays small."""
    random = np.random.Generator(np.random.PCG64(7))
    y, x = np.mgrid[0:height, 0:width]
    channels = []
    for _ in range(3):
        fx, fy, phase = random.uniform(-0.12, 0.12, 6), random.uniform(-0.12, 0.12, 6), random.uniform(0, 6.3, 6)
        waves = sum(np.sin(x * a + y * b + c) for a, b, c in zip(fx, fy, phase))
        channels.append(np.clip(128 + waves * 40, 0, 255).astype(np.uint8) & 0xF0)
    return Image.fromarray(np.stack(channels, axis=-1))


def write_images(folder: Path) -> dict[str, Path]:
    """Existing files are kept: their bytes are what tests decode."""
    folder.mkdir(exist_ok=True)
    pictures = {"A": ("shapes-97x61.png", shapes_picture, (97, 61)), "B": ("smooth-300x200.png", smooth_picture, (300, 200))}
    paths = {}
    for key, (name, draw, size) in pictures.items():
        paths[key] = folder / name
        if not paths[key].exists():
            draw(*size).save(paths[key], optimize=True)
    return paths


def formula_picture(width: int, height: int) -> np.ndarray:
    """[height, width, 3] uint8, as described in preprocessing.json."""
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    return ((x * 7 + y * 13 + c * 29 + ((x * y) % 17) * 5) & 255).astype(np.uint8)


def resize_checksums() -> dict:
    cases = []
    for width, height in RESIZE_INPUTS:
        pixels = formula_picture(width, height)
        for size in RESIZE_OUTPUTS:
            resized = Image.fromarray(pixels).resize((size, size), Image.Resampling.BICUBIC).tobytes()
            digest = hashlib.sha256(resized).hexdigest()
            cases.append({"width": width, "height": height, "size": size, "sha256": digest, "first": list(resized[:24])})
    return {
        "input": "pixel[y][x][c] = (x*7 + y*13 + c*29 + ((x*y) % 17) * 5) & 255, c = 0, 1, 2 for R, G, B",
        "output": "RGB bytes, row by row, of Pillow's Image.resize((size, size), BICUBIC); first = its first 24 bytes",
        "cases": cases,
    }
