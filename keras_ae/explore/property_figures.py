"""What the properties of a conditional model do: sweeps of one property, and the latent plane of each value."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure

from keras_ae.drawing.example_grid import example_grid
from keras_ae.drawing.style import INK
from keras_ae.explore.manifold import is_far, manifold, plane_codes


def property_sweep(
    model: keras.Model, z: np.ndarray, name: str | None, values: Sequence, held: Mapping[str, Any] | None = None
) -> np.ndarray:
    """Decodes codes under growing values of one property, with the other properties held.

    Args:
        model: a conditional `Autoencoder`.
        z: codes [N, D].
        name: the property that changes; `None` for a model whose condition is a single property.
        values: its values [M].
        held: {name: value} of the other properties.

    Returns:
        float32 array [N, M, *event].

    Raises:
        ValueError: for a model without a condition, and for values that it does not take.

    Example:
        >>> import keras_ae as kae
        >>> model = kae.models.ConditionalVAE(latent_dim=2, condition=kae.Categorical(3))
        >>> model.build((None, 8, 8, 1))
        >>> property_sweep(model, np.zeros([4, 2]), None, [0, 1, 2]).shape
        (4, 3, 8, 8, 1)
    """
    if model.condition is None:
        raise ValueError(f"`model` must be conditional. Received: {type(model).__name__} without a condition")
    values = np.asarray(values)
    condition = values
    if name is not None:
        condition = {key: np.resize(value, (len(values), *np.shape(value))) for key, value in (held or {}).items()}
        condition[name] = values
    return np.asarray(model.decode_each(np.asarray(z, np.float32), condition))


def property_figure(
    model: keras.Model,
    z: np.ndarray,
    sweeps: Mapping[str, Sequence],
    held: Mapping[str, Any],
    *,
    units: Mapping[str, str] | None = None,
    title: str | None = None,
) -> Figure:
    """Plots sweeps of several properties, one row each, from the same code.

    Args:
        model: a conditional `Autoencoder` with named properties.
        z: one code [D].
        sweeps: {name: values}, as many values for each.
        held: {name: value}, of all properties.
        units: {name: unit}.
        title: title of the figure.

    Returns:
        A `matplotlib.figure.Figure`. Row labels have the range of values.
    """
    rows, labels = [], []
    for name, values in sweeps.items():
        others = {key: value for key, value in held.items() if key != name}
        rows.append(property_sweep(model, np.asarray(z)[np.newaxis], name, values, others)[0])
        unit = (units or {}).get(name, "")
        labels.append(f"{name}, {_text(values[0])} to {_text(values[-1])} {unit}".strip())
    title = title or f"{type(model).__name__}: one property at a time, the others and the code held"
    return example_grid(np.stack(rows), title=title, row_labels=labels)


def property_planes(
    model: keras.Model,
    values: Sequence,
    *,
    dims: tuple[int, int] = (0, 1),
    steps: int = 7,
    names: Sequence[str] | None = None,
    codes: Sequence[np.ndarray] | None = None,
    title: str | None = None,
) -> Figure:
    """Plots the latent plane of each value of a property: `manifold` under each, side by side.

    Args:
        model: a conditional `Autoencoder`.
        values: values of the condition; a dictionary of as many values of each, for several properties.
        dims: the two latent dimensions of the plane; the others are 0.
        steps: images along each side.
        names: one text per value.
        codes: for each value, the codes of its training examples [N, D]: images whose `code_support` is below 0.01 are
            shaded. `None` shades nothing.
        title: title of the figure.

    Returns:
        A `matplotlib.figure.Figure`: one square block of images per value, up to five in a row.
    """
    rows = _rows(values)
    blocks = [manifold(model, value, steps=steps, dims=dims) for value in rows]
    names = list(names) if names is not None else [_text(value) for value in rows]
    columns = min(5, len(blocks))
    lines = -(-len(blocks) // columns)
    side = steps + 1  # a block, and the space for its name above and beside it
    shape = [lines * side, columns * side - 1, *blocks[0].shape[2:]]
    picture, shaded = np.full(shape, np.nan, np.float32), np.zeros(shape[:2], bool)
    plane = plane_codes(model, steps, dims)
    for number, block in enumerate(blocks):
        row, column = number // columns * side + 1, number % columns * side
        place = slice(row, row + steps), slice(column, column + steps)
        picture[place] = block
        if codes is not None:
            shaded[place] = is_far(plane, codes[number])
    shade = "; hatched: no training code near here" if shaded.any() else ""
    plane_of = f"dimensions {dims[0] + 1} and {dims[1] + 1} of the code"
    title = title or f"{type(model).__name__}: {plane_of}, for each value{shade}"
    figure = example_grid(picture, title=title, shaded=shaded)
    for number, name in enumerate(names):
        x = (number % columns * side + steps / 2) / shape[1]
        y = 1.0 - (number // columns * side + 0.6) / shape[0]
        place = {"transform": figure.axes[0].transAxes, "ha": "center", "va": "center"}
        figure.axes[0].text(x, y, name, fontsize=10, color=INK, **place)
    return figure


def _rows(values):
    if not isinstance(values, Mapping):
        return list(values)
    num = len(next(iter(values.values())))
    return [{name: np.asarray(column)[row] for name, column in values.items()} for row in range(num)]


def _text(value):
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(each)}" for name, each in value.items())
    return value if isinstance(value, str) else f"{value:.3g}" if np.ndim(value) == 0 else np.array2string(value)
