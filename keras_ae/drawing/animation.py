"""Animated GIFs."""

import pathlib
from collections.abc import Sequence

from PIL import Image

from keras_ae.io.writing import replacing


def write_gif(pictures: Sequence[pathlib.Path], path: pathlib.Path, *, seconds: float = 0.5) -> pathlib.Path:
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
