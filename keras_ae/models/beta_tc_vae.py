from typing import Any

import keras

from keras_ae.autoencoder import Autoencoder
from keras_ae.networks import Network
from keras_ae.objectives import TotalCorrelation
from keras_ae.schedules.values import FloatOrSchedule


@keras.saving.register_keras_serializable(package="keras_ae")
class BetaTCVAE(Autoencoder):
    """beta-TCVAE: penalizes the total correlation of the latent dimensions, not their information about the example.

        loss = reconstruction + alpha * mutual_information + beta * total_correlation + gamma * dimension_wise_kl

    The posterior must have a density in closed form for each dimension, as the diagonal normal posterior does.

    Args:
        num_examples: size of the training set; by default the number of examples that `fit` receives.
        alpha, beta, gamma, sampling: as in `keras_ae.objectives.TotalCorrelation`.
        encoder, decoder, latent_dim, posterior, prior, likelihood, condition, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np
        >>> x = np.random.rand(64, 8, 8, 1)
        >>> model = BetaTCVAE(latent_dim=2)
        >>> model.compile()
        >>> history = model.fit(x, verbose=0).history
        >>> sorted(history)
        ['dimension_wise_kl', 'kl', 'loss', 'mutual_information', 'reconstruction', 'total_correlation']

    References:
        Chen et al. 2018, "Isolating sources of disentanglement in variational autoencoders", arXiv:1802.04942,
        equation 4.
    """

    fixed = ("objective",)
    settings = ("num_examples", "alpha", "beta", "gamma", "sampling")

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        num_examples: int | None = None,
        alpha: FloatOrSchedule = 1.0,
        beta: FloatOrSchedule = 6.0,
        gamma: FloatOrSchedule = 1.0,
        sampling: str = "stratified",
        **kwargs: Any,
    ):
        objective = TotalCorrelation(num_examples, alpha=alpha, beta=beta, gamma=gamma, sampling=sampling)
        super().__init__(encoder, decoder, objective=objective, **kwargs)
