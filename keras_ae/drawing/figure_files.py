"""Figures and animations as files."""

import os
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from keras_ae.io.writing import replacing

_SUFFIXES = (".png", ".pdf", ".svg")


def save(figure: Figure, path: str | os.PathLike) -> Path:
    """Writes a figure atomically.

    Args:
        figure: a `matplotlib.figure.Figure`.
        path: path that ends in .png, .pdf or .svg; missing parent folders are created.

    Returns:
        The path, a `pathlib.Path`.

    Raises:
        ValueError: for any other suffix.
    """
    path = Path(path)
    if path.suffix.lower() not in _SUFFIXES:
        raise ValueError(f"`path` must end in one of {', '.join(_SUFFIXES)}. Received: {str(path)!r}")
    with replacing(path) as temporary:
        figure.savefig(temporary, facecolor="auto")  # of the figure, not of the settings
    return path


def write_gif(pictures: Sequence[Path], path: Path, *, seconds: float = 0.5) -> Path:
    """Writes a GIF that loops over images.

    Args:
        pictures: paths of image files, at least one; smaller images are padded with white at the right and the bottom.
        path: the file to write.
        seconds: duration of each image.

    Returns:
        The path.
    """
    size = tuple(max(lengths) for lengths in zip(*map(_size, pictures), strict=True))
    first, *rest = pictures
    with replacing(path) as temporary:
        _frame(first, size).save(
            temporary,
            save_all=True,
            append_images=(_frame(picture, size) for picture in rest),  # one image in memory at a time
            duration=round(1000 * seconds),
            loop=0,
        )
    return path


def _size(picture):
    with Image.open(picture) as image:
        return image.size


def _frame(picture, size):
    canvas = Image.new("RGB", size, "white")
    with Image.open(picture) as image:
        canvas.paste(image.convert("RGB"))
    return canvas.quantize(256)
