from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_ae import random
from keras_ae.distribution import tfd
from keras_ae.latents.code_distribution import Context, Float
from keras_ae.latents.posteriors.diagonal_normal import DiagonalNormal
from keras_ae.latents.priors.fixed_priors import StandardNormal
from keras_ae.latents.samplers.gradient_sampler import GradientSampler
from keras_ae.latents.samplers.whitened_sampler import WhitenedSampler
from keras_ae.likelihoods import Normal
from keras_ae.networks import MLP
from keras_ae.parts import freeze
from keras_ae.validation.arguments import check_size, check_widths


@keras.saving.register_keras_serializable(package="keras_ae")
class TwoStageSampler(GradientSampler, WhitenedSampler):
    """Two-stage VAE: a second, small VAE over the codes: u ~ N(0, I), w ~ N(loc(u), scale^2 I), with a learned scale.

        loss = E_q(u|w)[-log p(w|u)] + KL(q(u|w) || N(0, I)), for the whitened codes w

    The codes of a VAE match its prior only approximately. The second VAE has codes u of the same dimension as z, with
    which, as the paper shows, it can match their distribution. Its networks have skip connections from u and w to their
    output. Only its decoder is kept. It has samples but no density.

    Args:
        hidden: widths of the hidden layers of the second encoder and decoder.
        latent_dim: dimension of u; `None` for the dimension of z, as in the paper.
        epochs: maximum number of epochs.
        patience: number of epochs without improvement on the held-out codes after which training stops.
        learning_rate: learning rate of Adam.

    References:
        Dai and Wipf 2019, arXiv:1903.05789, section 4.
    """

    def __init__(
        self,
        hidden: Sequence[int] = (128, 128),
        *,
        latent_dim: int | None = None,
        epochs: int = 200,
        patience: int = 20,
        learning_rate: float = 1e-3,
        **kwargs,
    ):
        super().__init__(epochs, patience, learning_rate, **kwargs)
        self.hidden = check_widths("hidden", hidden)
        self.latent_dim = None if latent_dim is None else check_size("latent_dim", latent_dim)
        self.decoder = MLP(self.hidden)
        self.likelihood = Normal("shared")

    def build(self, input_shape):
        super().build(input_shape)
        self.size = self.latent_dim or self.event_shape[-1]
        self.decoder.build((None, self.size))
        self.likelihood.set_event_shape(self.event_shape)
        self.likelihood.build((None, self.size + self.hidden[-1]))
        freeze(self.decoder)
        freeze(self.likelihood)

    def _fit_whitened(self, codes: np.ndarray, context: np.ndarray | None, *, seed: int, verbose: bool) -> None:
        encoder, posterior, prior = MLP(self.hidden), DiagonalNormal(latent_dim=self.size), StandardNormal()
        encoder.build((None, *self.event_shape))
        posterior.build((None, self.event_shape[-1] + self.hidden[-1]))
        prior.build((None, self.size))

        def loss(w, seed):
            q = posterior.distribution(posterior(_with_input(encoder, w)))
            return tfd.kl_divergence(q, prior.distribution()) - self._given(q.sample(seed=seed)).log_prob(w)

        self._descend([encoder, posterior, self.decoder, self.likelihood], loss, codes, seed=seed, verbose=verbose)

    def _whitened(self, context: Context) -> tfd.Distribution:
        raise NotImplementedError(
            "TwoStageSampler has samples but no density: the density of a VAE has no closed form."
        )

    def _sample_whitened(self, seeds: tf.Tensor, rows: tf.Tensor, context: Context, temperature: Float) -> tf.Tensor:
        u = random.normal(seeds, rows, self.size, temperature=temperature)
        loc, scale = self.likelihood.loc_and_scale(self.likelihood(_with_input(self.decoder, u)))
        noise = random.normal(seeds, rows, self.event_shape[-1], stream=1, temperature=temperature)
        return loc + scale * noise

    def _given(self, u):
        """Returns p(w|u) for u [B, U]."""
        return self.likelihood.distribution(self.likelihood(_with_input(self.decoder, u)))


def _with_input(network, x):
    """Returns the features of a network, concatenated with its input: [B, D + F]."""
    return tf.concat([x, tf.cast(network(x), x.dtype)], axis=-1)
