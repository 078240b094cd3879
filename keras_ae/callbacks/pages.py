"""One figure with all that is looked at: inputs, outputs and samples."""

import numpy as np

from keras_ae.explore import image_grid
from keras_ae.explore.curve_grid import curve_grid, is_image
from keras_ae.explore.decoding import for_each_property


def page(model, x, condition=None, *, sample_rows=2, seed=0, title=None):
    """Inputs, what the model makes of them, and samples, below one another.

    Args:
        model: an `Autoencoder`.
        x: examples [N, *event].
        condition: theirs, where the model has one; the samples of a column have that of its example.
        sample_rows: rows of N samples; none where the model has no prior.
        seed: of the samples.
        title: of the figure.

    Returns:
        A `matplotlib.figure.Figure`. Black and white of images are those of the inputs, so that pages of one model
        compare. Sequences are curves and tables bars, on the scale of the inputs.
    """
    x, condition, _ = model.prepare(x, condition)
    parts = {"input": x, "output": np.asarray(model.reconstruct(x, condition))}
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
    """The values of black and white: (0, 1), or those of examples that go beyond."""
    low, high = float(x.min()), float(x.max())
    return (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
