from typing import Any

import keras

from keras_ae.autoencoder import Autoencoder
from keras_ae.networks import Network
from keras_ae.objectives import ELBO
from keras_ae.schedules.values import FloatOrSchedule


@keras.saving.register_keras_serializable(package="keras_ae")
class BetaVAE(Autoencoder):
    """beta-VAE: weights the KL more strongly, which favors latent dimensions that each encode one factor of variation.

        loss = reconstruction + beta * kl

    Args:
        beta: weight of the KL, a number or a schedule; 1 gives the VAE, more than 1 favors disentangled factors.
        free_bits: as in `keras_ae.objectives.ELBO`.
        encoder, decoder, latent_dim, posterior, prior, likelihood, condition, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np
        >>> model = BetaVAE(latent_dim=2, beta=2.0)
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)
        >>> model.sample(3, seed=7).shape
        TensorShape([3, 8, 8, 1])

    References:
        Higgins et al. 2017, "beta-VAE: learning basic visual concepts with a constrained variational framework", ICLR,
        equation 4.
    """

    fixed = ("objective",)
    settings = ("beta", "free_bits")

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        beta: FloatOrSchedule = 4.0,
        free_bits: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(encoder, decoder, objective=ELBO(beta, free_bits=free_bits), **kwargs)
