import os
from pathlib import Path

from matplotlib.figure import Figure

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
