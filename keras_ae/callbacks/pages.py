"""A figure of inputs, reconstructions and samples."""

from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure

from keras_ae.conditions.properties import for_each_property
from keras_ae.drawing.curve_grid import curve_grid, is_image
from keras_ae.drawing.image_grid import image_grid
from keras_ae.input_checks import checked_arrays


def page(
    model: keras.Model,
    x: Any,
    condition: Any = None,
    *,
    output: np.ndarray | None = None,
    sample_rows: int = 2,
    seed: int = 0,
    title: str | None = None,
) -> Figure:
    """Plots inputs, reconstructions and samples, from top to bottom.

    Args:
        model: an `Autoencoder`.
        x: examples [N, *event].
        condition: the conditions of the examples, for a conditional model; each column of samples has the condition of
            its example.
        output: the reconstructions of the examples, if they are already computed.
        sample_rows: rows of N samples; none if the model has no prior.
        seed: seed of the samples.
        title: title of the figure.

    Returns:
        A `matplotlib.figure.Figure`. The inputs determine black and white, so pages of one model are comparable.
        Sequences are curves and tables bars, on the scale of the inputs.
    """
    x, condition, _ = checked_arrays(model, x, condition)
    parts = {"input": x, "output": np.asarray(model.reconstruct(x, condition)) if output is None else output}
    if sample_rows and model.sampler is not None:
        num = sample_rows * len(x)
        conditions = for_each_property(lambda values: np.resize(values, (num, *values.shape[1:])), condition)
        parts["sample"] = np.asarray(model.sample(num, conditions, seed=seed))
    rows = np.concatenate(list(parts.values()))
    labels = ["input", "output", *["sample"] * (len(rows) // len(x) - 2)]
    if not is_image(model.event_shape):
        room = float(np.ptp(x)) / 10 or 0.5
        limits = float(x.min()) - room, float(x.max()) + room
        return curve_grid(rows, len(x), title=title, row_labels=labels, limits=limits)
    shape = model.event_shape if len(model.event_shape) == 3 else (*model.event_shape, 1)
    return image_grid(rows.reshape(-1, len(x), *shape), title=title, row_labels=labels, limits=_limits(x))


def _limits(x):
    """Returns the values of black and white: (0, 1), or the range of examples that exceed it."""
    low, high = float(x.min()), float(x.max())
    return (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
