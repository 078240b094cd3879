import numpy as np
from matplotlib.figure import Figure

from keras_ae.drawing.curve_grid import curve_grid, is_image
from keras_ae.drawing.image_grid import image_grid


def example_grid(
    x: np.ndarray,
    *,
    title: str | None = None,
    row_labels: list[str] | None = None,
    row_title: str | None = None,
    column_labels: list[str] | None = None,
    column_title: str | None = None,
    shaded: np.ndarray | None = None,
    limits: tuple[float, float] | None = None,
) -> Figure:
    """Plots a grid of examples: images, middle slices of volumes, curves of sequences, or bars of tables.

    Args:
        x: examples [rows, columns, *event].
        title: title of the figure.
        row_labels: one text per row.
        row_title: title of the row labels.
        column_labels: one text per column.
        column_title: title of the column labels.
        shaded: bool [rows, columns]: images to shade.
        limits: as in `image_grid` and `curve_grid`.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:
        >>> len(example_grid(np.zeros([2, 3, 8, 8]), row_labels=["a", "b"]).axes)
        1
    """
    x = np.asarray(x, np.float32)
    event = x.shape[2:]
    texts = {"title": title, "row_labels": row_labels, "row_title": row_title, "limits": limits}
    if is_volume(event):
        x = middle_slices(x)
    elif not is_image(event):
        return curve_grid(x.reshape(-1, *event), x.shape[1], column_labels=column_labels, **texts)
    elif len(event) == 2:
        x = x[..., np.newaxis]
    return image_grid(x, column_labels=column_labels, column_title=column_title, shaded=shaded, **texts)


def is_volume(event_shape: tuple[int, ...]) -> bool:
    """Whether examples of this shape are drawn as slices: [D, H, W, 1] or [D, H, W, 3]."""
    return len(event_shape) == 4 and event_shape[-1] in (1, 3)


def middle_slices(x: np.ndarray) -> np.ndarray:
    """Puts the middle slices along depth, height and width side by side: [..., D, H, W, C] to [..., S, 3 S, C]."""
    side = max(x.shape[-4:-1])
    slices = [np.take(x, x.shape[axis] // 2, axis=axis) for axis in (-4, -3, -2)]
    return np.concatenate([_padded(each, side) for each in slices], axis=-2)


def _padded(images, side):
    """Centers images [..., A, B, C] in [..., side, side, C], padded with the smallest value."""
    room = [(0, 0)] * (images.ndim - 3)
    for length in images.shape[-3:-1]:
        room.append(((side - length) // 2, side - length - (side - length) // 2))
    return np.pad(images, [*room, (0, 0)], constant_values=np.nanmin(images))
