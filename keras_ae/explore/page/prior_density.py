"""The density of the prior, as numbers from which the page computes how likely a code is."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ae.conditions import Categorical
from keras_ae.distribution import tfd
from keras_ae.latents import StandardNormal
from keras_ae.latents.distributions.normals import are_normals

_NUM_SAMPLES = 1000
_CHUNK = 100  # samples at once: each has a log density for every component
_MAX_CLASSES = 100


def prior_density(model: keras.Model, condition: Any = None, *, seed: int = 0) -> dict[str, Any] | None:
    """Returns the density of a prior that is a mixture of diagonal normals, or `None`.

        p(z) = sum_k weights_k N(z; loc_k, diag(scale_k^2))

    A prior that depends on the condition has one mixture for each class, if the condition is a single categorical
    property; otherwise the result is `None`. It is `None` for `StandardNormal` too, where the page has a closed form.

    Args:
        model: a built `Autoencoder`.
        condition: conditions of some examples, for a conditional model.
        seed: integer seed of the samples.

    Returns:
        `{"property": name, "mixtures": [...]}`, for JSON. The name is the property that the prior depends on,
        or `None`. A mixture has lists: `weights` [K], `loc` and `scale` [K, D], and `log_probs`, the sorted log
        densities of 1,000 samples, in nats. The fraction of these that are below log p(z) says how likely z is.
    """
    if model.prior_layer is None or type(model.prior_layer) is StandardNormal:
        return None
    prior, name = model.prior(condition), None
    if _parameters(prior) is None:
        return None
    if prior.batch_shape.rank:  # one density for each condition
        (name, part), *more = model.condition.properties.items()
        if more or not isinstance(part, Categorical) or part.num_classes > _MAX_CLASSES:
            return None
        prior = model.prior(model.condition.from_named({name: np.arange(part.num_classes)}))
    seeds = [tf.constant([seed, number], tf.int32) for number in range(_NUM_SAMPLES // _CHUNK)]
    log_probs = np.concatenate([prior.log_prob(prior.sample(_CHUNK, seed=each)) for each in seeds])
    arrays = {**_parameters(prior), "log_probs": np.moveaxis(np.sort(log_probs, axis=0), 0, -1)}
    if name is None:
        arrays = {key: values[np.newaxis] for key, values in arrays.items()}
    # As text, a float32 has no more digits than it needs.
    lists = (values.astype(np.float32).astype(str).astype(float).tolist() for values in arrays.values())
    return {
        "property": name,
        "mixtures": [dict(zip(arrays, each, strict=True)) for each in zip(*lists, strict=True)],
    }


def _parameters(prior):
    """Returns weights [..., K], loc and scale [..., K, D] of a mixture of diagonal normals, or else `None`."""
    if are_normals(prior):
        loc, scale = (np.asarray(values)[..., np.newaxis, :] for values in (prior.mean(), prior.stddev()))
        return {"weights": np.ones(loc.shape[:-1]), "loc": loc, "scale": scale}
    if isinstance(prior, tfd.MixtureSameFamily) and are_normals(prior.components_distribution):
        components = prior.components_distribution
        weights = prior.mixture_distribution.probs_parameter()
        return {"weights": weights.numpy(), "loc": components.mean().numpy(), "scale": components.stddev().numpy()}
    return None
