"""What each latent dimension carries: its KL, and whether it is active."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.evaluate.likelihood.draws import check_finite, checked_batches
from keras_ae.evaluate.metric import NotApplicableError
from keras_ae.latents import Hierarchy
from keras_ae.latents.distributions.blocks import pairs
from keras_ae.latents.distributions.one_hots import OneHots
from keras_ae.objectives.estimators.kl import is_product
from keras_ae.random import check_seed
from keras_ae.validation.arguments import MAX_ROWS, check_positive, check_size

tfd = tfp.distributions


def kl_of_dimensions(
    model: keras.Model, x: Any, condition: Any = None, *, seed: int = 0, batch_size: int = 500, verbose: int = 0
) -> np.ndarray:
    """Computes the KL of each latent dimension of each example, in nats.

        kl_d = KL(q(z_d|x) || p(z_d)),  sum_d kl_d = KL(q(z|x) || p(z))

    It is defined for posteriors and priors that factorize over dimensions. A categorical variable counts as one
    dimension, and so does each value of a hierarchical code, whose KL is computed in its layer, given one draw of the
    layer above.

    Args:
        model: a model with a prior.
        x: anything that `fit` takes: examples [N, *event], or a stream of batches, which is read once, in order.
        condition: the conditions of the examples, for a conditional model.
        seed: integer seed of the draws of hierarchical codes.
        batch_size: examples per step.
        verbose: 1 shows a progress bar.

    Returns:
        float64 array [N, D], or [N, D / C] for categorical variables with C classes.

    Raises:
        ValueError: for a model whose KL does not split into dimensions, for bad examples, and where a KL is not finite.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> model = kae.models.VAE(latent_dim=2)
        >>> kl_of_dimensions(model, np.random.rand(20, 8, 8, 1)).shape
        (20, 2)

    References:
        Sonderby et al. 2016, arXiv:1602.02282, section 3, for hierarchical codes.
    """
    batch_size = check_size("batch_size", batch_size, high=MAX_ROWS)
    options = {"batch_size": batch_size, "verbose": verbose, "description": "KL of dimensions"}
    return kl_of_dimensions_of(model, checked_batches(model, x, condition, **options), seed=seed)


def kl_of_dimensions_of(model, batches, *, seed=0):
    """`kl_of_dimensions` for checked batches (x, condition)."""
    seed, parts, start = check_seed(seed), [], 0
    if model.prior_layer is None:
        raise NotApplicableError(f"{type(model).__name__} has no KL of dimensions: it has no prior.")

    for x, condition in batches:
        context = None if model.condition is None else model.condition(condition)
        params, rows = model.posterior_params(tf.constant(x), context), start + tf.range(len(x))
        posterior, prior = model.posterior_layer.exact(params), model.prior_layer.distribution(context)
        seeds = tf.fill([len(x)], seed)
        kls = [_kls(model, q, p, params, seeds, rows) for q, p in pairs(posterior, prior)]
        parts.append(tf.concat(kls, axis=-1).numpy().astype(np.float64))
        start += len(x)
    found = np.concatenate(parts)
    check_finite(found.sum(axis=1), "KL")
    return found


def _kls(model, q, p, params, seeds, rows):
    """The KL of each dimension [B, D] of one part of a code."""
    if is_product(q) and is_product(p):
        return tfd.kl_divergence(q.distribution, p.distribution)
    if isinstance(q, OneHots) and isinstance(p, OneHots):
        return tfd.kl_divergence(tfd.Categorical(q.logits), tfd.Categorical(p.logits))
    if isinstance(q, Hierarchy) and isinstance(p, Hierarchy) and p.top is None:
        z = tf.split(model.posterior_layer.draw(params, seeds, rows), q.sizes, axis=-1)
        layers = [(tfd.Normal(*q.layer(i, above)), tfd.Normal(*p.layer(i, above))) for i, above in _above(z)]
        return tf.concat([tfd.kl_divergence(*layer) for layer in layers], axis=-1)
    raise NotApplicableError(
        f"{type(model).__name__} has no KL of dimensions: its posterior {type(model.posterior_layer).__name__} and its "
        f"prior {type(model.prior_layer).__name__} do not both factorize over dimensions."
    )


def _above(layers):
    return enumerate([*layers[1:], None])


def active_units(codes: Any, *, threshold: float = 0.01) -> np.ndarray:
    """Says which latent dimensions are active: their posterior means vary over the data.

        A_d = Var_x(E[z_d|x]) > threshold

    Args:
        codes: posterior means of at least two examples [N, D], as `encode` returns them.
        threshold: variance above which a dimension is active, for a prior with unit variance.

    Returns:
        bool array [D].

    Raises:
        ValueError: for fewer than two examples, and codes that are not finite numbers [N, D].

    Example:
        >>> import numpy as np
        >>> active_units(np.array([[0.0, 1.0], [0.01, -1.0]]))
        array([False,  True])

    References:
        Burda, Grosse and Salakhutdinov 2016, arXiv:1509.00519, section 5.2.
    """
    codes, threshold = np.asarray(codes, np.float64), check_positive("threshold", threshold)
    if codes.ndim != 2 or not np.isfinite(codes).all():
        state = "" if np.isfinite(codes).all() else ", not all finite"
        raise ValueError(f"`codes` must be finite numbers [N, D]. Received: {list(codes.shape)}{state}")
    if len(codes) < 2:
        raise NotApplicableError(f"`codes` must have at least 2 examples. Received: {len(codes)}")
    return codes.var(axis=0, ddof=1) > threshold
