"""Directions of codes along which an attribute of the examples grows."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure

from keras_ae.drawing.example_grid import example_grid
from keras_ae.explore.decoding import decode_grid, first_value
from keras_ae.validation.arguments import check_array
from keras_ae.validation.arrays import as_array


def attribute_vector(codes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Estimates how codes change as an attribute grows by 1.

        vector = sum_i (z_i - mean z) (a_i - mean a) / sum_i (a_i - mean a)^2

    the least-squares slope of each latent dimension. For an attribute that is 0 or 1, it is the mean code of the
    examples that have it minus the mean code of the others.

    Args:
        codes: codes [N, D].
        values: the attribute of each example [N]: a number, or a bool.

    Returns:
        float64 array [D].

    Raises:
        ValueError: for other shapes, values that are not finite, and an attribute that is constant.

    Example:
        >>> attribute_vector(np.array([[0.0, 1.0], [2.0, 1.0], [4.0, 1.0]]), np.array([10, 11, 12])).tolist()
        [2.0, 0.0]

    References:
        Larsen et al. 2016, arXiv:1512.09300, section 4.2; White 2016, arXiv:1609.04468, section 3.1.
    """
    codes = check_array(codes, "codes", event_shape=np.shape(codes)[1:]).astype(np.float64)
    values = np.asarray(values, np.float64)
    if codes.ndim != 2 or values.shape != (len(codes),) or not np.isfinite(values).all():
        raise ValueError(f"`values` must be {len(codes)} finite numbers. Received: shape {list(values.shape)}")
    centered = values - values.mean()
    if not centered.any():
        raise ValueError(f"`values` must differ between examples. Received: {values[0]:g} for all")
    return (codes - codes.mean(axis=0)).T @ centered / (centered @ centered)


def along_attribute(
    model: keras.Model, x: Any, vector: np.ndarray, changes: Sequence[float], condition: Any = None
) -> np.ndarray:
    """Moves the code of an example along an attribute vector, and decodes it.

    Args:
        model: an `Autoencoder`.
        x: one example [*event].
        vector: from `attribute_vector`, [D].
        changes: changes of the attribute.
        condition: the condition of the example, one value, for a conditional model.

    Returns:
        float32 array [len(changes), *event].

    Example:
        >>> import keras_ae as kae
        >>> model = kae.models.AE(latent_dim=2)
        >>> model.build((None, 8, 8, 1))
        >>> along_attribute(model, np.zeros([8, 8, 1]), np.ones(2), [-1.0, 0.0, 1.0]).shape
        (3, 8, 8, 1)
    """
    condition = first_value(condition)
    code = np.asarray(model.encode(as_array(x, "x")[np.newaxis], condition))
    codes = code + np.outer(changes, vector).astype(np.float32)  # [M, D]
    return decode_grid(model, codes[np.newaxis], condition)[0]


def attribute_figure(
    model: keras.Model,
    x: Any,
    vectors: Mapping[str, tuple[np.ndarray, float]],
    condition: Any = None,
    *,
    steps: int = 9,
    title: str | None = None,
) -> Figure:
    """Plots an example that is moved along attribute vectors, one row per attribute.

    Args:
        model: an `Autoencoder`.
        x: one example [*event].
        vectors: {name: (attribute vector [D], largest change of the attribute)}.
        condition: the condition of the example, one value.
        steps: images in a row; the one in the middle is the reconstruction.
        title: title of the figure.

    Returns:
        A `matplotlib.figure.Figure`. Row labels have the range of the change, in units of the attribute.
    """
    rows = [
        along_attribute(model, x, vector, np.linspace(-most, most, steps), condition)
        for vector, most in vectors.values()
    ]
    return example_grid(
        np.stack(rows),
        title=title or f"{type(model).__name__}: one example, moved along attribute vectors",
        row_labels=[f"{name}, +-{most:.3g}" for name, (_, most) in vectors.items()],
        column_labels=[f"{t:+.2g}" for t in np.linspace(-1.0, 1.0, steps)],
        column_title="change, as a fraction of the largest",
    )
