import numpy as np
from matplotlib.figure import Figure

from keras_ae.drawing.example_grid import example_grid, is_volume
from keras_ae.validation.arguments import check_size


def volume_slices(x: np.ndarray, axis: int = 0, num: int = 7) -> np.ndarray:
    """Cuts volumes into slices at equal steps, between the first and the last.

    Args:
        x: volumes [N, D, H, W, C].
        axis: 0 for slices along the depth, 1 along the height, 2 along the width.
        num: number of slices, at most as many as there are.

    Returns:
        Slices [N, num, ...] with the other two lengths and the channels.

    Raises:
        ValueError: for other shapes, and an axis that is not 0, 1 or 2.

    Example:
        >>> volume_slices(np.zeros([2, 5, 6, 7, 1]), axis=1, num=3).shape
        (2, 3, 5, 7, 1)
    """
    x = np.asarray(x)
    if x.ndim != 5 or not is_volume(x.shape[1:]):
        raise ValueError(f"`x` must have shape [N, D, H, W, C] with 1 or 3 channels. Received: {list(x.shape)}")
    if axis not in (0, 1, 2):
        raise ValueError(f"`axis` must be 0, 1 or 2. Received: axis={axis!r}")
    num = min(check_size("num", num), x.shape[1 + axis])
    return np.moveaxis(np.take(x, slice_places(x.shape[1 + axis], num), axis=1 + axis), 1 + axis, 1)


def slice_places(length: int, num: int) -> np.ndarray:
    """Returns the places of `num` slices of `length`, in the middle of equal parts: int64 [num].

    Example:
        >>> slice_places(9, 3).tolist()
        [1, 4, 7]
    """
    return ((np.arange(num) + 0.5) * length / num).astype(int)


def volume_figure(x: np.ndarray, *, axis: int = 0, num: int = 7, title: str | None = None) -> Figure:
    """Plots slices of volumes, one row per volume.

    Args:
        x: volumes [N, D, H, W, C].
        axis: as in `volume_slices`.
        num: number of slices.
        title: title of the figure.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    slices = volume_slices(x, axis, num)
    name = ("depth", "height", "width")[axis]
    labels = [str(place) for place in slice_places(np.shape(x)[1 + axis], slices.shape[1])]
    texts = {"column_labels": labels, "column_title": f"slice of the {name}"}
    return example_grid(slices, title=title or "Slices of volumes", **texts)
