from typing import Any

import keras

from keras_ae.autoencoder import Autoencoder
from keras_ae.networks import Network
from keras_ae.objectives import AdversarialTotalCorrelation
from keras_ae.schedules.values import FloatOrSchedule


@keras.saving.register_keras_serializable(package="keras_ae")
class FactorVAE(Autoencoder):
    """FactorVAE: penalizes the total correlation of the latent dimensions, estimated by a discriminator.

        loss = reconstruction + kl + gamma * total_correlation,  total_correlation ~ KL(q(z) || prod_d q(z_d))

    `AdversarialTotalCorrelation` describes the estimate.

    Args:
        gamma: weight of the total correlation, a number >= 0 or a schedule (symbol gamma).
        discriminator: network from codes [B, D] to features: a name or a Keras layer.
        encoder, decoder, latent_dim, posterior, prior, likelihood, condition, sampler, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np
        >>> model = FactorVAE(latent_dim=3, gamma=10.0)
        >>> model.compile("adam", discriminator_optimizer=keras.optimizers.Adam(1e-4, beta_1=0.5, beta_2=0.9))
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0).history
        >>> sorted(history)
        ['discriminator', 'kl', 'loss', 'reconstruction', 'total_correlation']

    References:
        Kim and Mnih 2018, "Disentangling by factorising", arXiv:1802.05983, equation 2 and algorithm 2.
    """

    fixed = ("objective",)
    settings = ("gamma", "discriminator")

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        gamma: FloatOrSchedule = 6.4,
        discriminator: Network = "mlp",
        **kwargs: Any,
    ):
        objective = AdversarialTotalCorrelation(gamma, discriminator=discriminator)
        super().__init__(encoder, decoder, objective=objective, **kwargs)
