"""A folder of images, with class folders as labels."""

import contextlib
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from keras_ae.datasets.catalogue import DatasetInfo
from keras_ae.datasets.sources.indexed_source import IndexedSource

SUFFIXES = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".gif", ".webp", ".tif", ".tiff", ".avif"),
    *(".jp2", ".j2k", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".ico", ".qoi", ".sgi"),
)
_SYSTEM_FILES = ("Thumbs.db", "desktop.ini")
_ORIENTATION = 0x0112  # the EXIF tag


class FolderSource(IndexedSource):
    """The images of a folder, read on demand.

    Args:
        path: the folder. It holds images, or one folder per class, or `train` and `test` folders of either kind.
        image_size: (H, W) to resize to, with antialiasing; `None` if all images have the same size.
        channels: 1, 3, or `None` for 1 if all images are gray and 3 otherwise. Transparency is dropped.

    Warns:
        UserWarning: for files that are not images, which are ignored.

    Raises:
        ValueError: if there are no images, an image cannot be read, or sizes differ without `image_size`.
    """

    def __init__(self, path: Path, *, image_size: tuple[int, int] | None = None, channels: int | None = None):
        if channels not in (None, 1, 3):
            raise ValueError(f"`channels` must be None, 1 or 3. Received: channels={channels!r}")
        parted = {key: path / key for key in ("train", "test") if (path / key).is_dir()}
        folders = parted if "train" in parted else {"train": path}
        classes = sorted({name for folder in folders.values() for name in _class_folders(folder)})
        found = {key: _find(folder, classes) for key, folder in folders.items()}
        self.files = [file for files, _ in found.values() for file in files]
        labels = [label for _, some in found.values() for label in some]
        self.labels = np.array(labels, np.int32) if classes else None
        _warn_of_ignored(path, self.files)
        size, gray = _survey(self.files, image_size)
        self.channels = channels or (1 if gray else 3)
        sizes = {key: len(files) for key, (files, _) in found.items()}
        shape = (*size, self.channels)
        super().__init__(DatasetInfo(str(path), shape, len(classes) or None, tuple(classes), sizes, source="folder"))

    def read(self, indices: np.ndarray) -> tuple:
        x = np.stack([read_image(self.files[number], self.info.image_shape) for number in indices])
        return x, None if self.labels is None else self.labels[indices]


def read_image(file: Path | BinaryIO, shape: tuple[int, int, int], *, resize: bool = True) -> np.ndarray:
    """Reads an image as float32 [H, W, C] in [0, 1].

    Args:
        file: a path or an open file.
        shape: (H, W, C) with 1 or 3 channels.
        resize: whether to resize an image of another size, with antialiasing.

    Raises:
        ValueError: if it cannot be read, or has another size and `resize` is false.
    """
    height, width, channels = shape
    with _open(file) as image:
        upright = ImageOps.exif_transpose(image) if _is_rotated(image) else image
        if not resize:
            _check_kind(image)
            if upright.size != (width, height):
                raise ValueError(f"it must be {width}x{height} pixels. Received: {upright.width}x{upright.height}")
        gray = _gray_16_bit(upright) if upright.mode.startswith("I") else upright
        image = gray.convert("L" if channels == 1 else "RGB")
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(image, np.float32).reshape(shape) / 255.0


def _is_rotated(image):
    """Whether EXIF says that the image is stored rotated by 90 degrees, for the formats that cameras write."""
    return image.format in ("JPEG", "MPO", "WEBP") and image.getexif().get(_ORIENTATION, 1) >= 5


def _gray_16_bit(image):
    values = np.asarray(image)
    if values.max() > 65535 or values.min() < 0:
        raise ValueError(f"its values must be integers of 8 or 16 bits. Received: {values.min()} to {values.max()}")
    return Image.fromarray((values / 257.0).round().astype(np.uint8))


def _class_folders(folder):
    return [p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")]


def _find(folder, classes):
    """Returns the images of a folder and their labels, as two lists."""
    loose = _images(folder.iterdir())
    if not classes:
        if not loose:
            raise ValueError(f"`{folder}` must hold images {SUFFIXES}. Received: none")
        return loose, []
    if loose:
        raise ValueError(f"`{folder}` must hold images or class folders, not both. Received: {loose[0]} and {classes}")
    groups = [_images((folder / name).rglob("*")) for name in classes]
    if not any(groups):
        raise ValueError(f"`{folder}` must hold images {SUFFIXES}. Received: none in {classes}")
    empty = [name for name, files in zip(classes, groups, strict=True) if not files and (folder / name).is_dir()]
    if empty:
        raise ValueError(f"`{folder / empty[0]}` must hold images {SUFFIXES}. Received: none")
    return [f for files in groups for f in files], [i for i, files in enumerate(groups) for _ in files]


def _warn_of_ignored(path, files):
    """Warns of ignored files in a folder."""
    read = set(files)
    others = sorted(p for p in path.rglob("*") if p.is_file() and p not in read and not p.name.startswith("."))
    others = [p for p in others if p.name not in _SYSTEM_FILES]
    if others:
        warnings.warn(f"`{path}` has {len(others)} files that are ignored, such as {others[0].name}", stacklevel=2)


def _images(paths):
    return sorted(p for p in paths if p.suffix.lower() in SUFFIXES and not p.name.startswith(".") and p.is_file())


# Pillow raises the last two for huge images; the warning counts where warnings are errors.
_PILLOW_ERRORS = (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning)


@contextlib.contextmanager
def _open(file):
    try:
        with Image.open(file) as image:
            yield image
    except _PILLOW_ERRORS as error:
        name = f"`{file}`" if isinstance(file, (str, Path)) else "the file"
        reason = str(error).replace(f" {file!r}", "")  # the place of an open file in memory
        raise ValueError(f"{name} could not be read as an image: {reason}") from error


def _check_kind(image):
    """Raises a `ValueError` for images that would be read partially or in another scale."""
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":  # in which cameras store previews
        raise ValueError(f"it must be a single image. Received: {frames} frames")
    if image.mode == "F":
        raise ValueError("its values must be integers of 8 or 16 bits. Received: floats")


def _survey(files, image_size):
    """Returns the common size (H, W) of all images, and whether all are gray; reads only their headers."""
    size, gray = None, True
    for file in files:
        with _open(file) as image:
            here, mode = (image.height, image.width), image.mode
            _check_kind(image)
            if _is_rotated(image):
                here = here[::-1]
            if mode == "P":
                palette = np.reshape(image.getpalette("RGB"), [-1, 3])
                mode = "L" if (palette == palette[:, :1]).all() else "RGB"
        size = size or here
        if image_size is None and here != size:
            raise ValueError(
                f"`{file}` must be {size[1]}x{size[0]} pixels, like `{files[0]}`. Received: {here[1]}x{here[0]}. "
                "Pass image_size=(H, W) to resize all images."
            )
        gray = gray and (mode in ("1", "L", "LA") or mode.startswith("I"))
    return tuple(image_size or size), gray
