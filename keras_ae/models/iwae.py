from typing import Any

import keras

from keras_ae import objectives
from keras_ae.autoencoder import Autoencoder
from keras_ae.networks import Network


@keras.saving.register_keras_serializable(package="keras_ae.models")  # the objective has the same name
class IWAE(Autoencoder):
    """Importance-weighted autoencoder: a VAE trained with a tighter bound from several samples of the code.

        loss = -log 1/K sum_k w_k >= -log p(x),  w_k = p(x|z_k) p(z_k) / q(z_k|x),  z_k ~ q(z|x)

    Args:
        num_samples: samples per example, K; each step runs the decoder K times.
        estimator: estimator of the encoder's gradient, as in `keras_ae.objectives.IWAE`.
        encoder, decoder, latent_dim, posterior, prior, likelihood, condition, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np
        >>> model = IWAE(latent_dim=2, num_samples=5, estimator="doubly_reparameterized")
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)

    References:
        Burda, Grosse and Salakhutdinov 2016, arXiv:1509.00519, equation 8; Tucker et al. 2019, arXiv:1810.04152, for
        the doubly reparameterized estimator.
    """

    fixed = ("objective",)
    settings = ("num_samples", "estimator")

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        num_samples: int = 50,
        estimator: str = "standard",
        **kwargs: Any,
    ):
        objective = objectives.IWAE(num_samples, estimator=estimator)
        super().__init__(encoder, decoder, objective=objective, **kwargs)
