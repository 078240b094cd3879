"""The rate, KL(q(z|x) || p(z)): as a whole, and of each latent dimension."""

import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions


def rate(posterior, prior, z, method="auto"):
    """The rate of each example.

    Args:
        posterior: q(z|x), a `tfd.Distribution` with batch shape [B].
        prior: p(z), a `tfd.Distribution`.
        z: samples of q(z|x) [K, B, D], for the estimate.
        method: `"analytic"` for the closed form, `"monte_carlo"` for the mean of log q(z|x) - log p(z) over `z`,
            `"auto"` for the closed form where TFP has one for the pair of distributions, else the estimate.

    Returns:
        float32 tensor [B], in nats.

    Raises:
        NotImplementedError: where `"analytic"` is asked for and there is no closed form.
    """
    if method != "monte_carlo":
        try:
            return tfd.kl_divergence(posterior, prior)
        except NotImplementedError:
            if method == "analytic":
                raise
    return tf.reduce_mean(posterior.log_prob(z) - prior.log_prob(z), axis=0)


def rate_by_dimension(posterior, prior):
    """The rate of each latent dimension of each example, in closed form; their sum is the rate.

    Args:
        posterior: q(z|x) with batch shape [B], a `tfd.Independent` over the D dimensions.
        prior: p(z), the same.

    Returns:
        float32 tensor [B, D], in nats.

    Raises:
        NotImplementedError: where one of the two is no product over dimensions, as a mixture is not: then there is no
            such thing; or where TFP has no closed form.

    Example:
        >>> q = tfd.Independent(tfd.Normal([[1.0, 0.0]], 1.0), 1)
        >>> rate_by_dimension(q, tfd.Independent(tfd.Normal([0.0, 0.0], 1.0), 1)).numpy()
        array([[0.5, 0. ]], dtype=float32)
    """
    for distribution in (posterior, prior):
        if not (isinstance(distribution, tfd.Independent) and distribution.distribution.event_shape.rank == 0):
            raise NotImplementedError(
                "The rate of each latent dimension needs a posterior and a prior that are products over dimensions "
                f"(tfd.Independent). Received: {type(posterior).__name__} and {type(prior).__name__}"
            )
    return tfd.kl_divergence(posterior.distribution, prior.distribution)
