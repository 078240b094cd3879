import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.input_checks import batches_of
from keras_ae.latents.spaces import Formula

tfd = tfp.distributions

_SEED = 0  # seed of the noise for every example
_MOST_QUANTILES = 1000


def score(model: keras.Model, x, condition=None, *, reference=None) -> dict[str, np.ndarray]:
    """Scores examples: ELBO, KL and reconstruction in nats, and an outlier score.

        reconstruction = -log p(x|z),  z ~ q(z|x)
        kl = KL(q(z|x) || p(z)) where there is a closed form, else log q(z|x) - log p(z)
        elbo = -(kl + reconstruction)
        outlier_score = fraction of reference examples with a larger elbo

    Each example gets a single code from the same noise, so its scores do not depend on the other examples, and a served
    model returns the same. `log_likelihood` is closer to log p(x), and slower.

    A model without a prior, or with a point-mass posterior without a codebook, has only the reconstruction, at its
    single code; outliers are then examples with a large reconstruction term.

    Args:
        model: a built model.
        x: anything that `fit` takes: examples [N, *event], or a stream of batches, which is read once, in order.
        condition: the conditions of the examples, for a conditional model.
        reference: at least two examples to compare with, preferably held out, or a pair (examples, condition). The
            outlier score is interpolated between reference examples.

    Returns:
        Dictionary of float32 arrays [N]: "elbo", "kl" and "reconstruction" in nats, and, given a reference,
        "outlier_score" in [0, 1].

    Raises:
        ValueError: for invalid examples.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> model = kae.models.VAE(latent_dim=2)
        >>> model.build((None, 8, 8, 1))
        >>> x = np.random.rand(20, 8, 8, 1)
        >>> sorted(score(model, x[:3], reference=x))
        ['elbo', 'kl', 'outlier_score', 'reconstruction']
    """
    names = score_names(model)

    def terms(x, condition):
        found = score_terms(model, x, model.context(condition))
        return tf.stack([found[name] for name in names], axis=-1)

    def scored(x, condition):
        condition = None if condition is None else tf.nest.map_structure(tf.convert_to_tensor, condition)
        return model._verbs("score", terms, tf.convert_to_tensor(x), condition)

    columns = tf.concat([scored(*batch) for batch in batches_of(model, x, condition)], axis=0)
    scores = dict(zip(names, tf.unstack(columns, axis=-1), strict=True))
    if reference is not None:
        scores["outlier_score"] = outlier_score(scores, reference_quantiles(model, reference))
    return {name: values.numpy() for name, values in scores.items()}


def score_names(model):
    """Returns the names of the terms that `score_terms` returns for a model."""
    has_kl = model.prior_layer is not None and Formula.KL in model.posterior_layer.formulas
    return ("elbo", "kl", "reconstruction") if has_kl else ("reconstruction",)


def score_terms(model, x, context, params=None):
    """Computes the terms of `score` in a graph: {name: float32 tensor [B]}, without the outlier score.

    Args:
        model: a built model.
        x: float32 tensor [B, *event].
        context: features of the condition [B, F], or `None`.
        params: the parameters of q(z|x), if they are known.
    """
    params, num = model.posterior_params(x, context) if params is None else params, tf.shape(x)[0]
    z = model.posterior_layer.draw(params, tf.fill([num], _SEED), tf.zeros([num], tf.int32))
    return terms_at(model, x, context, params, z)


def terms_at(model, x, context, params, z):
    """Computes the terms of `score_terms` for parameters of q(z|x) [B, P] and draws z [B, D] from it."""
    reconstruction = -model.likelihood_layer.distribution(model.likelihood_params(z, context)).log_prob(x)
    if "kl" not in score_names(model):
        return {"reconstruction": reconstruction}
    kl = _kl(model.posterior_layer.exact(params), model.prior_layer.distribution(context), z)
    return {"elbo": -(kl + reconstruction), "kl": kl, "reconstruction": reconstruction}


def _kl(posterior, prior, z):
    try:
        return tfd.kl_divergence(posterior, prior)
    except NotImplementedError:
        return posterior.log_prob(z) - prior.log_prob(z)


def reference_quantiles(model, reference):
    """Returns the sorted elbo of reference examples for `outlier_score`, as at most 1,000 quantiles.

    Returns:
        float32 array [K]; for a model without a KL, the negative reconstruction.
    """
    x, condition = reference if isinstance(reference, tuple) and len(reference) == 2 else (reference, None)
    values = np.asarray(_likeliness(score(model, x, condition)), np.float64)
    if len(values) < 2:
        raise ValueError(f"`reference` must have at least two examples. Received: {len(values)}")
    return np.quantile(values, np.linspace(0.0, 1.0, min(len(values), _MOST_QUANTILES))).astype(np.float32)


def outlier_score(scores, quantiles):
    """Returns the fraction of reference examples that are more likely: float32 tensor [B], in [0, 1].

    Args:
        scores: {name: float32 tensor [B]} of `score_terms`.
        quantiles: float32 array [K] of `reference_quantiles`. The fraction is interpolated between quantiles, because a
            step would depend on the last digit.
    """
    value, quantiles = _likeliness(scores), tf.constant(quantiles)
    last = quantiles.shape[0] - 1
    above = tf.clip_by_value(tf.searchsorted(quantiles, value, side="right"), 1, last)
    low, high = tf.gather(quantiles, above - 1), tf.gather(quantiles, above)
    part = tf.where(value >= high, 1.0, tf.maximum(tf.math.divide_no_nan(value - low, high - low), 0.0))
    return 1.0 - (tf.cast(above - 1, tf.float32) + part) / last


def _likeliness(scores):
    return scores["elbo"] if "elbo" in scores else -scores["reconstruction"]
