"""One figure with all that is looked at: inputs, outputs and samples."""

import numpy as np

from keras_ae.explore import image_grid
from keras_ae.explore.decoding import for_each_property
from keras_ae.explore.value_grid import is_image, value_grid


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
        compare; examples that are no images are shown as rows of coloured values.
    """
    x, condition, _ = model.prepare(x, condition)
    parts = {"input": x, "output": np.asarray(model.reconstruct(x, condition))}
    if sample_rows and model.sampler is not None:
        num = sample_rows * len(x)
        conditions = for_each_property(lambda values: np.resize(values, (num, *values.shape[1:])), condition)
        parts["sample"] = np.asarray(model.sample(num, conditions, seed=seed))
    if not is_image(model.event_shape):
        return value_grid(list(parts.values()), names=list(parts), title=title)
    rows = np.concatenate(list(parts.values()))
    shape = model.event_shape if len(model.event_shape) == 3 else (*model.event_shape, 1)
    labels = ["input", "output", *["sample"] * (len(rows) // len(x) - 2)]
    return image_grid(rows.reshape(-1, len(x), *shape), title=title, row_labels=labels, limits=_limits(x))


def _limits(x):
    """The values of black and white: (0, 1), or those of examples that go beyond."""
    low, high = float(x.min()), float(x.max())
    return (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
