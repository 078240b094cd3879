"""Samples by where their codes come from, with the nearest training examples beside them."""

import dataclasses
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from keras_ae.conditions.properties import for_each_property
from keras_ae.drawing.example_grid import example_grid
from keras_ae.evaluate.latent_honesty import Likeness, search_codes
from keras_ae.explore.code_support import FAR, code_support
from keras_ae.input_checks import checked_arrays, context_tensor
from keras_ae.random import check_seed
from keras_ae.validation.arguments import check_size

_BAD = "likely, yet bad"
_MOST = 5000  # training examples that are compared
_RADII = np.linspace(1.5, 8.0, 14)  # how far outside codes are looked for, in distances of codes from their mean


@dataclasses.dataclass(frozen=True)
class SampleSource:
    """Examples decoded from the codes of one source.

    Attributes:
        codes: float32 [N, D].
        x: the examples, float32 [N, *event].
        nearest: row of the nearest training example of each, in the values of the data, int64 [N].
        distance: the distance to it, float64 [N].
        support: `code_support` of the codes, float64 [N]: below 0.01, no training code is near.
    """

    codes: np.ndarray
    x: np.ndarray
    nearest: np.ndarray
    distance: np.ndarray
    support: np.ndarray


def sample_sources(
    model: keras.Model, x: Any, held_out: Any, condition: Any = None, held_out_condition: Any = None, *,
    num: int = 10, searches: int = 50, steps: int = 50, seed: int = 0,
) -> dict[str, SampleSource]:  # fmt: skip
    """Decodes codes of several sources, and finds the nearest training examples.

    Sources are `"data"`, the codes of held-out examples; `"prior"`; `"sampler"`, where one is fitted; `"outside"`,
    codes in random directions from the mean of the training codes, just so far that no training code is near; and
    `"likely, yet bad"`, typical codes of the prior whose examples are least like data: see
    `keras_ae.evaluate.search_codes`.

    Args:
        model: an `Autoencoder`.
        x: training examples [M, *event], of which 5,000 are compared at most, at equal steps.
        held_out: other examples [N, *event], at least as many as `num`.
        condition: the conditions of the training examples, for a conditional model.
        held_out_condition: the conditions of the other examples; the first `num` of them condition all sources.
        num: examples of each source.
        searches: number of searches for codes that are likely, yet bad.
        steps: steps of each search; 0 leaves this source out.
        seed: integer seed.

    Returns:
        {name: `SampleSource`}, those that the model has. Rows of `nearest` are rows of `x`.
    """
    x, condition, _ = checked_arrays(model, x, condition)
    held_out, held_out_condition, _ = checked_arrays(model, held_out, held_out_condition)
    num, seed = check_size("num", num, high=len(held_out)), check_seed(seed)
    kept = np.linspace(0, len(x) - 1, min(len(x), _MOST)).astype(int)
    known = np.asarray(model.encode(x[kept], for_each_property(lambda values: values[kept], condition)))
    given = for_each_property(lambda values: values[:num], held_out_condition)
    codes = {"data": np.asarray(model.encode(held_out[:num], given))}
    if model.prior_layer is not None:
        codes["prior"] = _from_prior(model, given, num, seed)
    if model.sampler is not model.prior_layer:
        codes["sampler"] = np.asarray(model.sample_codes(num, given, seed=seed))
    codes["outside"] = _outside(known, num, seed)
    conditions = dict.fromkeys(codes, given)
    if steps and model.sampler is not None:
        likeness = Likeness(x[kept], held_out)
        every = for_each_property(lambda values: np.resize(values, (searches, *values.shape[1:])), given)
        found = search_codes(model, likeness, every, num=searches, steps=steps, seed=seed)
        codes[_BAD] = found.codes[:num]
        conditions[_BAD] = for_each_property(lambda values: values[found.rows[:num]], every)
    sources = {}
    for name, each in codes.items():
        decoded = np.asarray(model.decode(each, conditions[name]))
        distance, nearest = _nearest(decoded, x[kept])
        sources[name] = SampleSource(each, decoded, kept[nearest], distance, code_support(each, known)[1])
    return sources


def sample_sources_figure(
    sources: dict[str, SampleSource], x: np.ndarray, *, num: int = 10, title: str | None = None
) -> Figure:
    """Plots the examples of each source, and below them the nearest training examples.

    Args:
        sources: from `sample_sources`.
        x: the training examples that it was given.
        num: largest number of examples in a row.
        title: title of the figure.

    Returns:
        A `matplotlib.figure.Figure` with two rows per source.
    """
    x = np.asarray(x, np.float32)
    rows = [part for each in sources.values() for part in (each.x[:num], x[each.nearest[:num]])]
    labels = [part for name in sources for part in (name, "nearest training")]
    return example_grid(np.stack(rows), title=title or "Where samples come from", row_labels=labels)


def _from_prior(model, condition, num, seed):
    """Codes of the prior, also where a sampler is fitted."""
    context = context_tensor(model, condition, num)
    rows = tf.range(num)
    return np.asarray(model.prior_layer.sample(tf.fill([num], seed), rows, context, 1.0))


def _outside(known, num, seed):
    """Codes in random directions, at the first radius where no training code is near."""
    rng = np.random.default_rng(seed)
    center = known.mean(axis=0)
    spread = np.linalg.norm(known - center, axis=1).mean()
    directions = rng.normal(size=[num, known.shape[1]])
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    codes = center + _RADII[-1] * spread * directions
    for radius in _RADII[::-1]:
        nearer = center + radius * spread * directions
        far = code_support(nearer, known)[1] < FAR
        codes[far] = nearer[far]
    return codes.astype(np.float32)


def _nearest(x, others):
    from sklearn.neighbors import NearestNeighbors  # slow to import

    neighbors = NearestNeighbors(n_neighbors=1).fit(others.reshape(len(others), -1))
    distance, rows = neighbors.kneighbors(np.asarray(x).reshape(len(x), -1))
    return distance[:, 0], rows[:, 0]
