from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from keras_ae.drawing.example_grid import example_grid


def learning(x: np.ndarray, reconstructions: Mapping[int, np.ndarray], *, title: str | None = None) -> Figure:
    """Plots examples, and below them their reconstructions at several steps of training.

    Args:
        x: examples [N, *event].
        reconstructions: {step: their reconstructions [N, *event]}, such as `Snapshots.reconstructions`.
        title: title of the figure.

    Returns:
        A `matplotlib.figure.Figure` with one row per step.

    Raises:
        ValueError: without reconstructions, or for reconstructions of other examples.

    Example:
        >>> x = np.zeros([3, 8, 8, 1])
        >>> figure = learning(x, {0: x + 0.5, 1000: x})
        >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
        ['input', '0', '1,000']

    See also:
        `keras_ae.callbacks.Snapshots`, which records them, and writes the same as an animated GIF.
    """
    x, steps = np.asarray(x, np.float32), sorted(reconstructions)
    wrong = [step for step in steps if np.shape(reconstructions[step]) != x.shape]
    if not steps or wrong:
        received = f"shape {list(np.shape(reconstructions[wrong[0]]))} at step {wrong[0]}" if wrong else "none"
        raise ValueError(f"`reconstructions` must have shape {list(x.shape)} at each step. Received: {received}")
    rows = np.stack([x, *(np.asarray(reconstructions[step], np.float32) for step in steps)])
    labels = ["input", *(f"{step:,}" for step in steps)]
    return example_grid(rows, title=title or "Reconstructions during training", row_labels=labels, row_title="step")
