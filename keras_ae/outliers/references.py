"""Statistics that compare an example with usual ones: what they learn from usual examples."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_ae.outliers.density import Density, fit_density
from keras_ae.outliers.example_statistics import compiled_by_example, is_narrow, reference_values, value_statistics
from keras_ae.outliers.expected_deviance import ExpectedDeviance, fit_expected_deviance
from keras_ae.outliers.neighbors import Neighbors, fit_neighbors, usual_distances
from keras_ae.outliers.texture import Texture, fit_texture

KINDS: Mapping[str, type[NamedTuple]] = {
    "density": Density,
    "neighbors": Neighbors,
    "whitened_neighbors": Neighbors,
    "texture": Texture,
    "expected_deviance": ExpectedDeviance,
}


def fit_references(model: keras.Model, x: np.ndarray, condition: Any, seed: int) -> dict[str, Callable]:
    """Learns from usual examples what the statistics of `reference_values` compare with.

    The density of narrow examples is fitted without those that are far from others: see `usual_distances`.

    Args:
        model: a built `Autoencoder`.
        x: usual examples [N, *event], as the model takes them.
        condition: their conditions, for a conditional model.
        seed: integer seed of the fits.

    Returns:
        {name of the statistic: function of `reference_values`}.
    """

    def values_in_graph(x, context=None):
        z = model.posterior_layer.mean(model.posterior_params(x, context))
        values = reference_values(model, x, z)
        if not is_narrow(model):
            likelihood, params = model.likelihood_layer, model.likelihood_params(z, context)
            mean = likelihood.mean(params)
            mean.set_shape(x.shape)  # some distributions lose it
            found = value_statistics(likelihood, params, mean, x)
            values |= {name: value for name, value in found.items() if name == "deviance"}
        return values

    values = compiled_by_example(model, values_in_graph)(x, condition)
    if is_narrow(model):
        near = fit_neighbors(values["density"], seed)
        usual = usual_distances(near["neighbors"](values["density"]))
        return {"density": fit_density(values["density"][usual], seed), **near}
    found: dict[str, Callable] = {"density": fit_density(values["density"], seed, fine=True)}
    if "texture" in values:
        found["texture"] = fit_texture(values["texture"], seed)
    if "deviance" in values:
        found["expected_deviance"] = fit_expected_deviance(values["density"], values["deviance"], seed)
    return found


def as_arrays(references: Mapping[str, Callable]) -> dict[str, np.ndarray]:
    """Returns {"name/field": array}: `from_arrays` reads it."""
    parts = {name: reference._asdict() for name, reference in references.items()}
    return {f"{name}/{key}": array for name, part in parts.items() for key, array in part.items()}


def from_arrays(arrays: Mapping[str, np.ndarray]) -> dict[str, Callable]:
    """Returns what `as_arrays` got."""
    names = [name for name in KINDS if f"{name}/{KINDS[name]._fields[0]}" in arrays]
    return {name: KINDS[name](*(arrays[f"{name}/{key}"] for key in KINDS[name]._fields)) for name in names}
