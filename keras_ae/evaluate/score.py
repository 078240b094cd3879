import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.autoencoder import in_chunks
from keras_ae.latents.spaces import Formula

tfd = tfp.distributions

_SEED = 0  # of the noise that every example is scored with
_MOST_QUANTILES = 1000


def score(model: keras.Model, x, condition=None, *, reference=None) -> dict[str, np.ndarray]:
    """How likely a model finds each example, in nats, and how unusual that is.

        reconstruction = -log p(x|z),  z ~ q(z|x)
        kl = KL(q(z|x) || p(z)) where there is a closed form, else log q(z|x) - log p(z)
        elbo = -(kl + reconstruction)
        outlier_score = share of the reference examples that have a larger elbo

    A single code is drawn for each example, from the same noise: the numbers of an example do not depend on the
    examples beside it, and a served model gives the same. `log_likelihood` is closer to log p(x), and takes longer.

    A model without a prior, or with a point for a posterior that has no codebook, has the reconstruction alone, at its
    only code; outliers are then the examples of a large one.

    Args:
        model: a model that was built.
        x: anything that `fit` takes: examples [N, *event], or a stream of batches, which is read once, in its order.
        condition: their condition, where the model has one.
        reference: examples to compare with, best held-out ones that the model was not trained on, two or more; or a
            pair (examples, condition). Between two reference examples the share is interpolated.

    Returns:
        Dictionary of float32 arrays [N]: "elbo", "kl" and "reconstruction" in nats, and with a reference
        "outlier_score" in [0, 1].

    Raises:
        ValueError: for bad examples.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> model = kae.models.VAE(latent_dim=2)
        >>> model.build((None, 8, 8, 1))
        >>> x = np.random.rand(20, 8, 8, 1)
        >>> sorted(score(model, x[:3], reference=x))
        ['elbo', 'kl', 'outlier_score', 'reconstruction']
    """
    names = score_names(model)

    def terms(*part):
        found = score_terms(model, *part)
        return tf.stack([found[name] for name in names], axis=-1)

    def scored(x, condition):
        context = None
        if condition is not None:
            context = model.condition(tf.nest.map_structure(tf.convert_to_tensor, condition))
        return in_chunks(terms, tf.convert_to_tensor(x), context)

    columns = tf.concat([scored(*batch) for batch in model.batches_of(x, condition)], axis=0)
    scores = dict(zip(names, tf.unstack(columns, axis=-1), strict=True))
    if reference is not None:
        scores["outlier_score"] = outlier_score(scores, reference_quantiles(model, reference))
    return {name: values.numpy() for name, values in scores.items()}


def score_names(model):
    """What `score_terms` gives for a model."""
    has_kl = model.prior_layer is not None and Formula.KL in model.posterior_layer.formulas
    return ("elbo", "kl", "reconstruction") if has_kl else ("reconstruction",)


def score_terms(model, x, context):
    """The numbers of `score` in a graph: {name: float32 tensor [B]}, without the outlier score.

    Args:
        model: a model that was built.
        x: float32 tensor [B, *event].
        context: features of the condition [B, F], or `None`.
    """
    posterior, num = model.posterior_layer, tf.shape(x)[0]
    params = model.posterior_params(x, context)
    z = posterior.draw(params, tf.fill([num], _SEED), tf.zeros([num], tf.int32))
    reconstruction = -model.likelihood_layer.distribution(model.likelihood_params(z, context)).log_prob(x)
    if "kl" not in score_names(model):
        return {"reconstruction": reconstruction}
    kl = _kl(posterior.exact(params), model.prior_layer.distribution(context), z)
    return {"elbo": -(kl + reconstruction), "kl": kl, "reconstruction": reconstruction}


def _kl(posterior, prior, z):
    try:
        return tfd.kl_divergence(posterior, prior)
    except NotImplementedError:
        return posterior.log_prob(z) - prior.log_prob(z)


def reference_quantiles(model, reference):
    """What `outlier_score` compares with: the elbo of reference examples in ascending order, 1,000 quantiles at most.

    Returns:
        float32 array [K]; of a model without a KL, the negative reconstruction.
    """
    x, condition = reference if isinstance(reference, tuple) and len(reference) == 2 else (reference, None)
    values = np.asarray(_likeliness(score(model, x, condition)), np.float64)
    if len(values) < 2:
        raise ValueError(f"`reference` must be two examples or more. Received: {len(values)}")
    return np.quantile(values, np.linspace(0.0, 1.0, min(len(values), _MOST_QUANTILES))).astype(np.float32)


def outlier_score(scores, quantiles):
    """The share of reference examples that are likelier: float32 tensor [B], in [0, 1].

    Args:
        scores: {name: float32 tensor [B]} of `score_terms`.
        quantiles: float32 array [K] of `reference_quantiles`. Between two of them the share is interpolated: a step
            would be taken or not as the last digit falls.
    """
    value, quantiles = _likeliness(scores), tf.constant(quantiles)
    last = quantiles.shape[0] - 1
    above = tf.clip_by_value(tf.searchsorted(quantiles, value, side="right"), 1, last)
    low, high = tf.gather(quantiles, above - 1), tf.gather(quantiles, above)
    part = tf.where(value >= high, 1.0, tf.maximum(tf.math.divide_no_nan(value - low, high - low), 0.0))
    return 1.0 - (tf.cast(above - 1, tf.float32) + part) / last


def _likeliness(scores):
    return scores["elbo"] if "elbo" in scores else -scores["reconstruction"]
