import numpy as np
from matplotlib.figure import Figure


def is_image(event_shape):
    """Whether examples of this shape are drawn as images: [H, W], [H, W, 1] or [H, W, 3]."""
    return len(event_shape) == 2 or (len(event_shape) == 3 and event_shape[-1] in (1, 3))


def value_grid(arrays, *, names, title):
    """Examples that are no images: one row an example, one column a value, its size as a colour.

    Args:
        arrays: arrays [N, ...], drawn side by side with the same colours.
        names: what each is.
        title: of the figure.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    arrays = [np.asarray(array, np.float32).reshape(len(array), -1) for array in arrays]
    low, high = min(array.min() for array in arrays), max(array.max() for array in arrays)
    figure = Figure(figsize=(4.2 * len(arrays) + 1.0, 3.6), facecolor="white", dpi=150, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)
    panels = figure.subplots(1, len(arrays), squeeze=False)[0]
    for axes, array, name in zip(panels, arrays, names, strict=True):
        drawn = axes.imshow(array, aspect="auto", interpolation="nearest", cmap="viridis", vmin=low, vmax=high)
        axes.set_title(name, fontsize=11)
        axes.set_xlabel("value")
        axes.set_ylabel("example")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.yaxis.get_major_locator().set_params(integer=True)
    figure.colorbar(drawn, ax=list(panels))
    figure.suptitle(title, fontsize=12)
    return figure
