"""The evidence lower bound and its two terms, and the same in bits per dimension."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.evaluate.likelihood.draws import Reduction, check_finite, checked_batches, reduce_draws
from keras_ae.evaluate.metric import NotApplicableError
from keras_ae.evaluate.score import score_names
from keras_ae.latents import Deterministic, VectorQuantizer
from keras_ae.likelihoods import Bernoulli
from keras_ae.random import check_seed
from keras_ae.validation.arguments import MAX_ROWS, check_size


def elbo(
    model: keras.Model,
    x: Any,
    condition: Any = None,
    *,
    num_samples: int = 10,
    seed: int = 0,
    batch_size: int = 100,
    verbose: int = 0,
) -> dict[str, np.ndarray]:
    """Estimates the evidence lower bound of each example and its terms, in nats.

        reconstruction = E_q(z|x)[-log p(x|z)]
        kl = KL(q(z|x) || p(z)) where there is a closed form, else E_q(z|x)[log q(z|x) - log p(z)]
        elbo = -(kl + reconstruction) <= log p(x)

    Expectations are means over draws, which depend on the row number of the example and the seed alone. `score` has
    the same terms for a single draw, as a served model computes them.

    Args:
        model: a model; without a prior, or with a point-mass posterior without a codebook, it has the reconstruction
            alone.
        x: anything that `fit` takes: examples [N, *event], or a stream of batches, which is read once, in order.
        condition: the conditions of the examples, for a conditional model.
        num_samples: draws from q(z|x) per example.
        seed: integer; the same seed gives the same numbers.
        batch_size: examples per step.
        verbose: 1 shows a progress bar.

    Returns:
        Dictionary of float64 arrays [N]: "elbo", "kl" and "reconstruction".

    Raises:
        ValueError: for bad examples, and where a term is not finite.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> model = kae.models.VAE(latent_dim=2)
        >>> sorted(elbo(model, np.random.rand(20, 8, 8, 1)))
        ['elbo', 'kl', 'reconstruction']

    References:
        Kingma and Welling 2014, arXiv:1312.6114, equation 3.
    """
    batch_size = check_size("batch_size", batch_size, high=MAX_ROWS)
    options = {"batch_size": batch_size, "verbose": verbose, "description": "ELBO"}
    batches = checked_batches(model, x, condition, **options)
    return elbo_of(model, batches, num_samples=num_samples, seed=seed, batch_size=batch_size)


def elbo_of(model, batches, *, num_samples=10, seed=0, batch_size=100):
    """`elbo` for checked batches (x, condition)."""
    num_samples, seed = check_size("num_samples", num_samples, high=MAX_ROWS), check_seed(seed)
    if isinstance(model.posterior_layer, Deterministic):
        num_samples = 1  # all draws are equal
    has_kl = "kl" in score_names(model)
    closed = has_kl and has_closed_kl(model)
    reduction = _Terms(has_kl=has_kl, closed=closed)
    options = {"seed": seed, "batch_size": batch_size}
    reconstruction, kl = reduce_draws(model, batches, lambda per_step: reduction, num_samples, **options)
    reconstruction = check_finite(reconstruction / num_samples, "reconstruction")
    if not has_kl:
        return {"reconstruction": reconstruction}
    kl = check_finite(kl if closed else kl / num_samples, "KL")
    return {"elbo": -(kl + reconstruction), "kl": kl, "reconstruction": reconstruction}


def has_closed_kl(model):
    """Whether KL(q(z|x) || p(z)) of a model with a prior has a closed form."""
    posterior, prior = model.posterior_layer, model.prior_layer
    if isinstance(posterior, VectorQuantizer):
        return True
    return posterior.family is not None and posterior.family == prior.family


class _Terms(Reduction):
    """The sums of the reconstruction and of the KL over draws; the KL itself where it has a closed form."""

    def __init__(self, *, has_kl, closed):
        self.closed, self.drawn = closed, has_kl and not closed

    def start(self, posterior, prior, num):
        kl = tfp.distributions.kl_divergence(posterior, prior) if self.closed else tf.zeros([num])
        return tf.zeros([num]), tf.reshape(kl, [num])

    def add(self, state, draws):
        reconstruction, kl = state
        reconstruction -= tf.reduce_sum(tf.where(draws.counts, draws.log_likelihood(), 0.0), axis=0)
        if self.drawn:
            kl -= tf.reduce_sum(tf.where(draws.counts, draws.log_ratio(), 0.0), axis=0)
        return reconstruction, kl


def bits_per_dimension(log_likelihood: Any, num_dimensions: int, *, levels: int | None = None) -> np.ndarray:
    """Converts log-likelihoods in nats to bits per dimension.

        bits = -log p(x) / (D log 2)             for probabilities of discrete values: the length of a code
        bits = -log p(x) / (D log 2) + log2 L    for a density of values in [0, 1] that stand for L levels

    Without `levels`, a density gives differential bits, which may be negative, change with the unit of the data, and
    compare models of the same data only. With `levels`, they bound the code length of the levels if the data were
    dequantized, (level + uniform noise in [0, 1)) / L; for values that stay on the levels, a density has no such bound.

    Args:
        log_likelihood: log p(x) of the examples, or a bound of it, in nats.
        num_dimensions: values in an example, D.
        levels: number of levels, L, for a density; `None` for probabilities and for differential bits.

    Returns:
        float64 array of the shape of `log_likelihood`.

    Raises:
        ValueError: for arguments out of range.

    Example:
        >>> float(bits_per_dimension(-784 * np.log(2.0), 784))
        1.0

    References:
        Theis, van den Oord and Bethge 2016, arXiv:1511.01844, section 3.1.
    """
    num_dimensions = check_size("num_dimensions", num_dimensions, high=2**53)
    shift = 0.0 if levels is None else np.log2(check_size("levels", levels, low=2))
    return -np.asarray(log_likelihood, np.float64) / (num_dimensions * np.log(2.0)) + shift


def meaning_of_bits(model: keras.Model, examples: np.ndarray, levels: int | None = None) -> str:
    """Says, in one sentence, what bits per dimension of a model's likelihood mean for these examples.

    Raises:
        ValueError: for a Bernoulli likelihood of values between 0 and 1, which is neither a probability nor a density,
            and for `levels` of a likelihood that is discrete already.
    """
    likelihood = model.likelihood_layer
    name = type(likelihood).__name__
    if isinstance(likelihood, Bernoulli) and not np.isin(examples, (0.0, 1.0)).all():
        raise NotApplicableError(
            "A Bernoulli likelihood of values between 0 and 1 is neither a probability nor a density, and has no bits "
            "per dimension: binarize the data, or use `ContinuousBernoulli` or `DiscretizedLogistic`."
        )
    if likelihood.discrete:
        if levels is not None:
            raise ValueError(f"`levels` must be None for {name}, which is discrete. Received: levels={levels}")
        return f"{name} gives probabilities of discrete values: an upper bound of the code length of the data"
    if levels is None:
        return f"{name} is a density: differential bits, which change with the unit of the data and may be negative"
    return f"{name} is a density: bits for {levels} levels in [0, 1], a code length only for dequantized data"
