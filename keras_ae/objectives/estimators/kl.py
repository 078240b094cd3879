"""KL(q(z|x) || p(z)): in total, for each part of a code, and for each latent dimension."""

import itertools

import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae.distribution import tfd
from keras_ae.latents import Hierarchy
from keras_ae.latents.distributions.blocks import pairs as pairs_of_blocks


def sample_and_kl(
    posterior: tfd.Distribution, prior: tfd.Distribution, num_samples: int, seed: tf.Tensor, method: str = "auto"
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns samples of q(z|x) and the KL of each example.

    Args:
        posterior: q(z|x), a `tfd.Distribution` with batch shape [B].
        prior: p(z), a `tfd.Distribution`.
        num_samples: samples per example, K.
        seed: int32 tensor [2].
        method: `"analytic"` for the closed form, `"monte_carlo"` for the mean of log q(z|x) - log p(z) over the
            samples, `"auto"` for the closed form if TFP has one for the pair of distributions, or for each layer of a
            `Hierarchy` given the layers above, otherwise the estimate.

    Returns:
        (z, kl): float32 tensors [K, B, D], and [B] in nats.

    Raises:
        NotImplementedError: for `"analytic"` without a closed form.
    """
    z, kls = sample_and_kls(posterior, prior, num_samples, seed, method)
    return z, tf.add_n([kl for _, kl in kls])


def sample_and_kls(
    posterior: tfd.Distribution, prior: tfd.Distribution, num_samples: int, seed: tf.Tensor, method: str = "auto"
) -> tuple[tf.Tensor, list[tuple[tfd.Distribution, tf.Tensor]]]:
    """Returns samples of q(z|x) and the KLs of each example, one for each part of a mixed code.

    Arguments and errors are as in `sample_and_kl`; every part uses the closed form if there is one.

    Returns:
        (z, kls): float32 tensor [K, B, D], and a list of pairs: the part of q(z|x), a `tfd.Distribution`, and its
        KL, a float32 tensor [B] in nats. Codes that are not mixed have a single pair.
    """
    parts = pairs_of_blocks(posterior, prior)
    if len(parts) == 1:
        ((q, p),) = parts
        z, kl = _sample_and_kl(q, p, num_samples, seed, method)
        return z, [(q, kl)]
    seeds = tf.unstack(tfp.random.split_seed(seed, n=len(parts), salt="rates"))
    pairs = [_sample_and_kl(q, p, num_samples, own, method) for (q, p), own in zip(parts, seeds, strict=True)]
    return tf.concat([z for z, _ in pairs], axis=-1), [(q, kl) for (q, _), (_, kl) in zip(parts, pairs, strict=True)]


def _sample_and_kl(posterior, prior, num_samples, seed, method):
    if method == "auto" and isinstance(posterior, Hierarchy) and isinstance(prior, Hierarchy):
        return posterior.sample_and_kl(prior, num_samples, seed)
    if method != "monte_carlo":
        try:
            kl = tfd.kl_divergence(posterior, prior)
            return posterior.sample(num_samples, seed=seed), kl
        except NotImplementedError:
            if method == "analytic":
                raise
    # Samples come with their density, which saves the inversion of a flow.
    z, log_prob = posterior.experimental_sample_and_log_prob(num_samples, seed=seed)
    return z, tf.reduce_mean(log_prob - prior.log_prob(z), axis=0)


def kl_by_dimension(posterior: tfd.Distribution, prior: tfd.Distribution) -> tf.Tensor:
    """Returns the closed-form KL of each latent dimension of each example; the sum is the KL.

    Args:
        posterior: q(z|x) with batch shape [B], a `tfd.Independent` over the D dimensions or several of them as
            `Blocks`.
        prior: p(z), likewise.

    Returns:
        float32 tensor [B, D], in nats.

    Raises:
        NotImplementedError: if a distribution does not factorize over dimensions, such as a mixture, or if TFP has no
            closed form.

    Example:
        >>> q = tfd.Independent(tfd.Normal([[1.0, 0.0]], 1.0), 1)
        >>> kl_by_dimension(q, tfd.Independent(tfd.Normal([0.0, 0.0], 1.0), 1)).numpy()
        array([[0.5, 0. ]], dtype=float32)
    """
    parts = pairs_of_blocks(posterior, prior)
    if not all(map(is_product, itertools.chain(*parts))):
        raise NotImplementedError(
            "The KL of each latent dimension needs a posterior and a prior that factorize over dimensions "
            f"(tfd.Independent). Received: {type(posterior).__name__} and {type(prior).__name__}"
        )
    return tf.concat([tfd.kl_divergence(q.distribution, p.distribution) for q, p in parts], axis=-1)


def is_product(distribution: tfd.Distribution) -> bool:
    """Whether a distribution over vectors factorizes over their dimensions: a `tfd.Independent`."""
    return isinstance(distribution, tfd.Independent) and distribution.distribution.event_shape.rank == 0
