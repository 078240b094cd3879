import tensorflow as tf

from keras_ae import random
from keras_ae.latents import HierarchicalNormal
from keras_ae.latents.distributions.hierarchy import Hierarchy
from keras_ae.latents.posteriors.hierarchical_posterior import HierarchicalPosterior
from keras_ae.outliers.outlier_score import GraphScore
from keras_ae.validation.arguments import check_size


class HierarchicalRatio(GraphScore):
    """What the lower layers of a hierarchical code add to the ELBO, in nats.

        score = LLR^(>k) = L - L^(>k)
        L^(>k) = E[log p(x|z) + log p(z_(>k)) - log q(z_(>k)|x)],  z_(>k) ~ q(z_(>k)|x),  z_(<=k) ~ p(z_(<=k) | z_(>k))

    Details are similar in all data, and lower layers explain them for any example. Upper layers hold what usual
    examples are: they explain usual examples nearly as well alone, and others badly.

    Args:
        lower: k, the number of layers next to the data that are drawn from the prior, at least 1.
        num_samples: draws of z for each example.

    References:
        Havtorn et al. 2021, arXiv:2102.08248, "Hierarchical VAEs know what they don't know".
    """

    def __init__(self, lower: int = 1, num_samples: int = 10):
        self.lower, self.num_samples = check_size("lower", lower), check_size("num_samples", num_samples)

    def check(self, model):
        sizes = getattr(model.prior_layer, "sizes", ()) if _is_hierarchical(model) else ()
        if len(sizes) <= self.lower:
            raise ValueError(
                f"`hierarchical_ratio` needs a model with more than {self.lower} layers of codes, such as "
                f"HierarchicalVAE or LadderVAE. Received: {type(model).__name__}"
                + (f" with {len(sizes)} layers" if sizes else "")
            )

    def compute(self, model, x, context):
        prior = model.prior_layer.distribution(context)
        whole = model.posterior_layer.distribution(model.posterior_params(x, context))

        def layer(params, level, above):
            return prior.layer(level, above) if level < self.lower else whole.function(params, level, above)

        upper = Hierarchy(whole.sizes, layer, whole.params)
        # One noise for both and for all examples: the terms of the upper layers are the same, and cancel.
        seeds, size = tf.range(self.num_samples), sum(whole.sizes)
        noise = random.normal(seeds, tf.zeros_like(seeds), size)[:, tf.newaxis]  # [K, 1, D]
        noise = tf.broadcast_to(noise, [self.num_samples, x.shape[0], size])
        bounds = []
        for posterior in (whole, upper):
            z, kl = posterior.descend_with_kl(prior, noise)
            likelihood = model.likelihood_layer.distribution(model.likelihood_params(z, context))
            bounds.append(tf.reduce_mean(likelihood.log_prob(x) - tf.add_n(kl), axis=0))
        return bounds[0] - bounds[1]


def _is_hierarchical(model):
    prior, posterior = model.prior_layer, model.posterior_layer
    return isinstance(prior, HierarchicalNormal) and isinstance(posterior, HierarchicalPosterior)
