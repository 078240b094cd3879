"""Figures of reconstructions and samples."""

import math
from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure

from keras_ae.conditions import Categorical
from keras_ae.conditions.properties import for_each_property
from keras_ae.drawing.curve_grid import curve_grid, is_image
from keras_ae.drawing.example_grid import example_grid, is_volume
from keras_ae.explore.decoding import examples
from keras_ae.validation.arguments import check_size


def reconstructions(
    model: keras.Model, x: Any, condition: Any = None, *, num: int = 10, title: str | None = None
) -> Figure:
    """Plots inputs and their reconstructions.

    Args:
        model: an `Autoencoder`.
        x: examples [N, *event]; the first `num` are shown.
        condition: the conditions of the examples, for a conditional model.
        num: number of examples.
        title: title of the figure.

    Returns:
        A `matplotlib.figure.Figure`: reconstructed images below the inputs; curves and bars overlaid on the inputs.
    """
    x, condition = examples(model, x, condition, check_size("num", num))
    pair = [x, np.asarray(model.reconstruct(x, condition))]
    title = title or f"{type(model).__name__}: inputs and reconstructions"
    if is_image(model.event_shape) or is_volume(model.event_shape):
        return example_grid(np.stack(pair), title=title, row_labels=["input", "output"])
    return curve_grid(pair[0], over=pair[1], names=("input", "output"), title=title)


def samples(
    model: keras.Model, num: int = 64, condition: Any = None, *, seed: int = 0, title: str | None = None
) -> Figure:
    """Plots a grid of samples.

    Args:
        model: an `Autoencoder` with a prior.
        num: number of samples.
        condition: one value for all samples or one per sample, for a conditional model.
        seed: as in `model.sample`.
        title: title of the figure.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: if the model has no prior.
    """
    x = np.asarray(model.sample(num, condition, seed=seed))
    title = title or f"{type(model).__name__}: samples"
    columns = math.ceil(math.sqrt(num))
    if is_image(model.event_shape) or is_volume(model.event_shape):
        missing = np.full([-num % columns, *x.shape[1:]], np.nan, np.float32)
        return example_grid(np.concatenate([x, missing]).reshape(-1, columns, *x.shape[1:]), title=title)
    return curve_grid(x, columns, title=title)


def samples_by_condition(
    model: keras.Model,
    values: Any = None,
    *,
    num: int = 10,
    seed: int = 0,
    title: str | None = None,
    name: str = "condition",
) -> Figure:
    """Plots a row of samples for each value of the condition, with the same noise in each row.

    Each column is one style: the samples share one code, unless the distribution of codes depends on the condition.

    Args:
        model: a conditional `Autoencoder` with a prior.
        values: the values, one per row; by default every class of a `Categorical`.
        num: samples per row.
        seed: as in `model.sample`.
        title: title of the figure.
        name: name of the condition.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: if the model has no prior or no condition.
    """
    if values is None:
        if not isinstance(model.condition, Categorical):
            raise ValueError(f"`values` must be given for {type(model.condition).__name__}. Received: None")
        values = np.asarray(model.condition.vocabulary or range(model.condition.num_classes))[:20]
    rows = range(len(next(iter(values.values())) if isinstance(values, dict) else values))
    x = np.stack([model.sample(num, value_of(values, row), seed=seed) for row in rows])  # [M, num, *event]
    if title is None:
        codes = [model.sample_codes(num, value_of(values, row), seed=seed) for row in (0, len(x) - 1)]
        shared = ", one style per column" if np.array_equal(*codes) else ""
        title = f"{type(model).__name__}: samples by {name}{shared}"
    options = {"title": title, "row_labels": _labels(values, len(x)), "row_title": name}
    return example_grid(x, **options)


def head(condition: Any, num: int) -> Any:
    """Returns the first `num` rows of a condition."""
    return for_each_property(lambda values: values[:num], condition)


def value_of(values: Any, row: int) -> Any:
    """Returns the value in one row, for functions that take one value for all examples."""
    return for_each_property(lambda column: column[row], values)


def _labels(values, num):
    """Returns one text per row; with several properties, the ones that vary between rows."""
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
