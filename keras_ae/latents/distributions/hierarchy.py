from collections.abc import Callable, Sequence

import tensorflow as tf
import tensorflow_probability as tfp

from keras_ae import random
from keras_ae.distribution import Distribution, tfd
from keras_ae.latents.distributions.normals import LearnedMixture
from keras_ae.latents.distributions.shapes import over_batch, rows


class Hierarchy(Distribution):
    """Hierarchical codes z = (z_1 ... z_L), drawn from the last layer to the first, each given the layer above it:

        log p(z) = log N(z_L; loc_L, scale_L^2) + sum_(l < L) log N(z_l; loc_l(z_(l+1)), scale_l(z_(l+1))^2)

    z_L may have any other density, `top`, in place of the normal one.

    Mean, standard deviation and mode have no closed form: the mean of z_l is an expectation over the layers above it.
    `descend` of zeros gives the path of conditional means, each given the mean of the layer above, which is not the
    mean.

    Args:
        sizes: dimensions of z_1 ... z_L.
        function: function from (params, l, z_(l+1)) to loc and scale of z_l, [..., size] each. Layers are counted from
            0; the last layer receives `None` as z_(l+1).
        params: tensor [..., P] whose leading axes are the batch shape, or `None` for a single distribution.
        top: distribution of z_L without batch axes, or `None` for the normal one of `function`.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        function: Callable[[tf.Tensor, int, tf.Tensor | None], tuple[tf.Tensor, tf.Tensor]],
        params: tf.Tensor | None = None,
        top: tfd.Distribution | None = None,
        name: str = "Hierarchy",
    ):
        parameters = dict(locals())
        parameters["params"] = params = tf.zeros([0]) if params is None else params
        self.sizes, self.function, self.params, self.top = tuple(sizes), function, params, top
        super().__init__(parameters, tfd.FULLY_REPARAMETERIZED if top is None else top.reparameterization_type)

    def with_gradients(self) -> "Hierarchy":
        """Returns the same distribution, with draws whose gradients reach the weights of a mixture as `top` too."""
        return self.copy(top=self.top.with_gradients()) if isinstance(self.top, LearnedMixture) else self

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {"params": tfp.util.ParameterProperties(event_ndims=1)}

    def _event_shape(self):
        return tf.TensorShape([sum(self.sizes)])

    def layer(self, level: int, above: tf.Tensor | None) -> tuple[tf.Tensor | None, tf.Tensor | None]:
        """Returns loc and scale of z_l given z_(l+1), [..., size] each; (`None`, `None`) for z_L with density `top`."""
        return (
            (None, None) if above is None and self.top is not None else self.function(rows(self.params), level, above)
        )

    def descend(self, noise: tf.Tensor, top: tf.Tensor | None = None) -> tf.Tensor:
        """Maps standard normal noise [..., D] to codes [..., D]; zero noise gives the path of conditional means.

        Args:
            noise: float32 tensor [..., D].
            top: codes z_L [..., size], which replace those from the noise, for a distribution with density `top`.
        """
        return tf.concat([z for z, _, _ in self._descend(noise, top)], axis=-1)

    def sample_and_kl(self, prior: "Hierarchy", num_samples: int, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns samples and the KL divergence from another `Hierarchy` with the same sizes.

            kl = 1/K sum_k sum_l KL(N(loc_l, scale_l^2) || N(loc'_l, scale'_l^2)), both given the sample of z_(l+1)

        Given the sample of the layers above, the KL of each layer has a closed form. The estimate has the same
        expectation as log q(z|x) - log p(z) and less variance (Rao-Blackwell). If the prior has a density `top`, the
        KL of z_L is log q(z_L|x) - log p(z_L).

        Returns:
            (z, kl): float32 tensors [K, B, D], and [B] in nats.
        """
        z, kl = self.descend_with_kl(prior, self._noise(num_samples, seed))
        return z, tf.reduce_mean(tf.add_n(kl), axis=0)

    def descend_with_kl(self, prior: "Hierarchy", noise: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Maps noise [..., B, D] to codes, and returns them with the KL divergence of each layer, [..., B], z_1 first.

        Each is the KL of N(loc_l, scale_l^2) from the layer of the prior, both given the code of the layer above.
        """
        layers = self._descend(noise)
        above, kl = [z for z, _, _ in layers[1:]] + [None], []
        for level, (z, loc, scale) in enumerate(layers):
            mine = tfd.Normal(tf.broadcast_to(loc, tf.shape(z)), scale)
            other_loc, other_scale = prior.layer(level, above[level])
            if other_loc is None:
                kl.append(tf.reduce_sum(mine.log_prob(z), axis=-1) - prior.top.log_prob(z))
            else:
                kl.append(tf.reduce_sum(tfd.kl_divergence(mine, tfd.Normal(other_loc, other_scale)), axis=-1))
        return tf.concat([z for z, _, _ in layers], axis=-1), kl

    def _sample_n(self, n, seed=None):
        noise = self._noise(n, seed)
        return self.descend(noise, self._draw_top(noise, seed))

    def _sample_and_log_prob(self, sample_shape, seed):
        noise = self._noise(sample_shape, seed)
        layers = self._descend(rows(noise), self._draw_top(rows(noise), seed))
        z, log_prob = tf.concat([z for z, _, _ in layers], axis=-1), self._sum(layers)
        return (z[0], log_prob[0]) if len(noise.shape) == 1 else (z, log_prob)

    def _log_prob(self, z):
        z = over_batch(self, z)
        parts = tf.split(rows(z), self.sizes, axis=-1)
        log_prob = self._sum([(part, *self.layer(i, above)) for i, (part, above) in enumerate(_pairs(parts))])
        return log_prob[0] if len(z.shape) == 1 else log_prob

    def _noise(self, sample_shape, seed):
        sample_shape = tf.reshape(tf.convert_to_tensor(sample_shape, tf.int32), [-1])
        shape = tf.concat([sample_shape, self.batch_shape_tensor(), self.event_shape_tensor()], axis=0)
        return random.stateless_normal(shape, tfp.random.sanitize_seed(seed))

    def _draw_top(self, noise, seed):
        """Draws z_L for each row of the noise from the density `top`; `None` without one."""
        if self.top is None:
            return None
        return self.top.sample(tf.shape(noise)[:-1], seed=tfp.random.split_seed(seed, salt="top")[0])

    def _descend(self, noise, top=None):
        """Returns (z_l, loc_l, scale_l) of each layer, z_1 first."""
        layers, above = [], None
        for level, part in reversed(list(enumerate(tf.split(noise, self.sizes, axis=-1)))):
            loc, scale = self.layer(level, above)
            above = top if loc is None else loc + scale * part
            layers.insert(0, (above, loc, scale))
        return layers

    def _sum(self, layers):
        """Returns the sum of the log-densities of layers (z_l, loc_l, scale_l)."""
        return tf.add_n(
            [
                self.top.log_prob(z) if loc is None else tf.reduce_sum(tfd.Normal(loc, scale).log_prob(z), axis=-1)
                for z, loc, scale in layers
            ]
        )


def _pairs(parts):
    """Yields each part with the part above it."""
    return zip(parts, [*parts[1:], None], strict=True)
