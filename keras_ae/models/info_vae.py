from typing import Any

import keras

from keras_ae.autoencoder import Autoencoder
from keras_ae.networks import Network
from keras_ae.objectives import MaximumMeanDiscrepancy


@keras.saving.register_keras_serializable(package="keras_ae")
class InfoVAE(Autoencoder):
    """InfoVAE: matches the aggregate posterior to the prior, which leaves each code more information about its example.

        loss = reconstruction + (1 - alpha) * kl + (alpha + lambda_ - 1) * MMD^2(q(z), p(z))

    Args:
        alpha: weight of the mutual information of example and code, at most 1; with 1 the KL has no weight, which gives
            the paper's MMD-VAE.
        lambda_, kernel: as in `keras_ae.objectives.MaximumMeanDiscrepancy`.
        encoder, decoder, latent_dim, posterior, prior, likelihood, condition, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np
        >>> model = InfoVAE(latent_dim=2)
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)
        >>> model.sample(3, seed=7).shape
        TensorShape([3, 8, 8, 1])

    References:
        Zhao, Song and Ermon 2019, "InfoVAE: balancing learning and inference in variational autoencoders",
        arXiv:1706.02262, equation 6.
    """

    fixed = ("objective",)
    settings = ("alpha", "lambda_", "kernel")

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        alpha: float = 0.5,
        lambda_: float = 100.0,
        kernel: str = "rbf",
        **kwargs: Any,
    ):
        objective = MaximumMeanDiscrepancy(lambda_, alpha=alpha, kernel=kernel)
        super().__init__(encoder, decoder, objective=objective, **kwargs)
