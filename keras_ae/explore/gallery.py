from collections.abc import Collection
from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure

from keras_ae.conditions import Categorical
from keras_ae.conditions.properties import for_each_property
from keras_ae.drawing.curve_grid import curve_grid, is_image
from keras_ae.drawing.image_grid import image_grid
from keras_ae.explore.latent_map import latent_map
from keras_ae.explore.manifold import manifold
from keras_ae.explore.pictures import head, reconstructions, samples, samples_by_condition
from keras_ae.explore.training_curves import training_curves
from keras_ae.input_checks import checked_arrays

_MAP_SIZE = 3000


def gallery(
    model: keras.Model,
    history: Any,
    x: Any,
    labels: Any = None,
    condition: Any = None,
    *,
    label_name: str = "class",
    condition_name: str = "condition",
    kinds: Collection[str] | None = None,
    seed: int = 0,
) -> dict[str, Figure]:
    """Makes the figures that suit a model, from held-out examples.

    Args:
        model: an `Autoencoder`.
        history: as in `training_curves`.
        x: examples [N, *event].
        labels: one number per example, for the colors of the map, or `None`.
        condition: the conditions of the examples, for a conditional model.
        label_name: name of the labels.
        condition_name: name of the condition.
        kinds: names of figures; `None` for all that suit the model.
        seed: seed of the samples.

    Returns:
        Dictionary of names to figures: `training`, `reconstructions` and `map` for all models; `samples` with a prior,
        `samples_by_condition` with a categorical condition, and `manifold` with a two-dimensional code.

    Raises:
        ValueError: for a figure that does not suit the model.
    """
    x, condition, _ = checked_arrays(model, x, condition)
    name = type(model).__name__
    num = min(_MAP_SIZE, len(x))
    first, colors = head(condition, num), None if labels is None else labels[:num]
    rows = for_each_property(lambda values: np.resize(values, (64, *values.shape[1:])), condition)
    has_prior, has_condition = model.sampler is not None, model.condition is not None
    suits = {
        "training": True,
        "reconstructions": True,
        "map": num > 2,
        "samples": has_prior,
        "samples_by_condition": has_prior and isinstance(model.condition, Categorical),
        "manifold": has_prior and not has_condition and model.latent_dim == 2,
    }
    draw = {
        "training": lambda: training_curves(history, title=f"{name}: training"),
        "reconstructions": lambda: reconstructions(model, x, condition, num=min(12, len(x))),
        "map": lambda: latent_map(model, x[:num], colors, first, label_name=label_name),
        "samples": lambda: samples(model, 64, rows, seed=seed),
        "samples_by_condition": lambda: samples_by_condition(model, seed=seed, name=condition_name),
        "manifold": lambda: _manifold_figure(model),
    }
    suiting = [kind for kind in draw if suits[kind]]
    if kinds is not None and set(kinds) - set(suiting):
        raise ValueError(f"`kinds` must be some of {suiting} for this model. Received: {list(kinds)}")
    return {kind: draw[kind]() for kind in suiting if kinds is None or kind in kinds}


def _manifold_figure(model):
    x = manifold(model)  # [R, R, *event]
    title = f"{type(model).__name__}: the latent plane, decoded at normal quantiles"
    if not is_image(model.event_shape):
        return curve_grid(x.reshape(-1, *model.event_shape), len(x), title=title)
    return image_grid(x if x.ndim == 5 else x[..., np.newaxis], title=title)
