from typing import Any

import keras

from keras_ae import objectives
from keras_ae.autoencoder import Autoencoder
from keras_ae.networks import Network


@keras.saving.register_keras_serializable(package="keras_ae.models")  # the objective has the same name
class PIWAE(Autoencoder):
    """Partially importance-weighted autoencoder: the decoder uses the IWAE bound, the encoder the MIWAE bound.

        loss of the decoder = -log 1/(M K) sum_mk w_mk,  of the encoder = -1/M sum_m log 1/K sum_k w_mk
        w_mk = p(x|z_mk) p(z_mk) / q(z_mk|x),  z_mk ~ q(z|x)

    Args:
        num_groups: bounds per example for the encoder, M.
        num_samples: samples per bound, K; each step runs the decoder M K times.
        encoder, decoder, latent_dim, posterior, prior, likelihood, condition, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np
        >>> model = PIWAE(latent_dim=2, num_groups=2, num_samples=3)
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)

    References:
        Rainforth et al. 2018, "Tighter variational bounds are not necessarily better", arXiv:1802.04537, section 5;
        Burda, Grosse and Salakhutdinov 2016, arXiv:1509.00519, equation 8, for the bounds that it combines.
    """

    fixed = ("objective",)
    settings = ("num_groups", "num_samples")

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        num_groups: int = 8,
        num_samples: int = 8,
        **kwargs: Any,
    ):
        objective = objectives.PIWAE(num_groups, num_samples)
        super().__init__(encoder, decoder, objective=objective, **kwargs)
