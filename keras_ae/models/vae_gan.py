from typing import Any

import keras

from keras_ae.autoencoder import Autoencoder
from keras_ae.networks import Network
from keras_ae.objectives import LearnedSimilarity


@keras.saving.register_keras_serializable(package="keras_ae")
class VAEGAN(Autoencoder):
    """VAE/GAN: compares reconstructions in a discriminator's feature space and trains the decoder against it.

        feature_error = |f(x) - f(x_q)|^2 / (2 feature_scale^2),  x_q = decoder(z), z ~ q(z|x)
        encoder: kl + feature_error,  decoder: gamma * feature_error - log D(x_q) - log D(x_p)

    `LearnedSimilarity` documents the losses.

    Args:
        gamma: weight of the reconstruction against the discriminator in the decoder, > 0 (symbol gamma).
        discriminator: network from examples [B, *event] to features f(x): `"mlp"`, `"conv"` for images, or a Keras
            layer or model; by default a single layer of 1000 units.
        feature_scale: > 0; the feature error that costs half a nat.
        likelihood: its mean is the decoded image; a learned scale is not trained.
        encoder, decoder, latent_dim, posterior, prior, condition, sampler, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np
        >>> from keras_ae.networks import MLP
        >>> model = VAEGAN(MLP([16]), MLP([16]), latent_dim=2, discriminator=MLP([32, 16], activation="leaky_relu"))
        >>> model.compile("adam", discriminator_optimizer=keras.optimizers.Adam(1e-4, beta_1=0.5))
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)
        >>> model.sample(3, seed=7).shape
        TensorShape([3, 8, 8, 1])

    References:
        Larsen, Soenderby, Larochelle and Winther 2016, "Autoencoding beyond pixels using a learned similarity metric",
        arXiv:1512.09300, algorithm 1.
    """

    fixed = ("objective",)
    settings = ("gamma", "discriminator", "feature_scale")

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        gamma: float = 1.0,
        discriminator: Network | None = None,
        feature_scale: float = 0.3,
        **kwargs: Any,
    ):
        objective = LearnedSimilarity(gamma, discriminator=discriminator, feature_scale=feature_scale)
        super().__init__(encoder, decoder, objective=objective, **kwargs)
