"""Figures of what a model makes: its reconstructions and its samples."""

import numpy as np

from keras_ae.conditions import Categorical
from keras_ae.explore.curve_grid import curve_grid, is_image
from keras_ae.explore.decoding import examples, for_each_property
from keras_ae.explore.image_grid import image_grid
from keras_ae.validation.arguments import check_size


def reconstructions(model, x, condition=None, *, num=10, title=None):
    """Inputs, and what the model makes of them below.

    Args:
        model: an `Autoencoder`.
        x: examples [N, *event]; the first `num` are shown.
        condition: theirs, where the model has one.
        num: how many.
        title: of the figure.

    Returns:
        A `matplotlib.figure.Figure`: images above one another, curves of sequences and bars of tables over one another.
    """
    x, condition = examples(model, x, condition, check_size("num", num))
    pair = [x, np.asarray(model.reconstruct(x, condition))]
    title = title or f"{type(model).__name__}: inputs and reconstructions"
    if is_image(model.event_shape):
        return image_grid(np.stack(_as_images(pair)), title=title, row_labels=["input", "output"])
    return curve_grid(pair[0], over=pair[1], names=("input", "output"), title=title)


def samples(model, num=64, condition=None, *, seed=0, title=None):
    """A grid of samples.

    Args:
        model: an `Autoencoder` with a prior.
        num: how many.
        condition: one value for all or one a sample, where the model has a condition.
        seed: as in `model.sample`.
        title: of the figure.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: where the model has no prior.
    """
    x = np.asarray(model.sample(num, condition, seed=seed))
    title = title or f"{type(model).__name__}: samples"
    if is_image(model.event_shape):
        return image_grid(*_as_images([x]), title=title)
    return curve_grid(x, title=title)


def samples_by_condition(model, values=None, *, num=10, seed=0, title=None, name="condition"):
    """A row of samples for each value of the condition; a column shares one code, and so one style.

    Args:
        model: a conditional `Autoencoder` with a prior.
        values: the values, one a row; every class of a `Categorical` unless given.
        num: samples a row.
        seed: as in `model.sample`.
        title: of the figure.
        name: what the condition is called.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: where the model has no prior or no condition.
    """
    if values is None:
        if not isinstance(model.condition, Categorical):
            raise ValueError(f"`values` must be given for {type(model.condition).__name__}. Received: None")
        values = np.asarray(model.condition.vocabulary or range(model.condition.num_classes))[:20]
    x = np.asarray(model.decode_each(model.sample_codes(num, first_of(values), seed=seed), values))  # [num, M, ...]
    x = x.swapaxes(0, 1)  # [M, num, *event]
    title = title or f"{type(model).__name__}: samples by {name}, one style a column"
    options = {"title": title, "row_labels": _labels(values, len(x)), "row_title": name}
    if not is_image(model.event_shape):
        return curve_grid(x.reshape(-1, *model.event_shape), num, **options)
    return image_grid(*_as_images([x], lead=2), **options)


def head(condition, num):
    """The first `num` rows of a condition."""
    return for_each_property(lambda values: values[:num], condition)


def first_of(values):
    """The first value, for what takes one value for all."""
    return for_each_property(lambda column: column[0], values)


def _labels(values, num):
    """A text a row; of several properties, those that differ from row to row."""
    if not isinstance(values, dict):
        return [_label(value) for value in values]
    varying = [name for name, column in values.items() if len(np.unique(column, axis=0)) > 1] or list(values)
    if len(varying) == 1:
        return _labels(values[varying[0]], num)
    return [", ".join(f"{name} {np.asarray(values[name])[row]}" for name in varying) for row in range(num)]


def _label(value):
    if isinstance(value, str):
        return value
    return f"{value:g}" if np.ndim(value) == 0 else np.array2string(np.asarray(value))


def _as_images(arrays, lead=1):
    """Gives [..., H, W] images their channel."""
    return [array[..., np.newaxis] if array.ndim == lead + 2 else array for array in arrays]
