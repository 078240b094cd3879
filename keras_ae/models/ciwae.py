from typing import Any

import keras

from keras_ae import objectives
from keras_ae.autoencoder import Autoencoder
from keras_ae.networks import Network


@keras.saving.register_keras_serializable(package="keras_ae.models")  # the objective has the same name
class CIWAE(Autoencoder):
    """Combination importance-weighted autoencoder: a weighted mean of the ELBO and the tighter IWAE bound.

        loss = -beta 1/K sum_k log w_k - (1 - beta) log 1/K sum_k w_k,  w_k = p(x|z_k) p(z_k) / q(z_k|x)

    Args:
        beta: weight of the ELBO, in [0, 1].
        num_samples: samples per example, K; each step runs the decoder K times.
        estimator: estimator of the encoder's gradient, as in `keras_ae.objectives.IWAE`.
        encoder, decoder, latent_dim, posterior, prior, likelihood, condition, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np
        >>> model = CIWAE(latent_dim=2, beta=0.3, num_samples=5)
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)

    References:
        Rainforth et al. 2018, "Tighter variational bounds are not necessarily better", arXiv:1802.04537, section 5;
        Burda, Grosse and Salakhutdinov 2016, arXiv:1509.00519, equation 8, for the bounds that it combines.
    """

    fixed = ("objective",)
    settings = ("beta", "num_samples", "estimator")

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        beta: float = 0.5,
        num_samples: int = 64,
        estimator: str = "standard",
        **kwargs: Any,
    ):
        objective = objectives.CIWAE(beta, num_samples, estimator=estimator)
        super().__init__(encoder, decoder, objective=objective, **kwargs)
