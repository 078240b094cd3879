from typing import Any

import keras

from keras_ae.autoencoder import Autoencoder
from keras_ae.networks import Network
from keras_ae.objectives import DisentangledInferredPrior
from keras_ae.schedules.values import FloatOrSchedule


@keras.saving.register_keras_serializable(package="keras_ae")
class DIPVAE(Autoencoder):
    """DIP-VAE: regularizes the covariance of the aggregate posterior toward the identity.

        loss = reconstruction + kl + off_diagonal_weight * sum_{i != j} C_ij^2 + diagonal_weight * sum_i (C_ii - 1)^2

    where C is the covariance of the posterior means (variant I) or of the codes (variant II).

    Args:
        variant, off_diagonal_weight, diagonal_weight: as in `keras_ae.objectives.DisentangledInferredPrior`.
        encoder, decoder, latent_dim, posterior, prior, likelihood, condition, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np
        >>> model = DIPVAE(latent_dim=2, variant="II")
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0).history
        >>> sorted(history)
        ['diagonal', 'kl', 'loss', 'off_diagonal', 'reconstruction']

    References:
        Kumar, Sattigeri and Balakrishnan 2018, "Variational inference of disentangled latent concepts from unlabeled
        observations", arXiv:1711.00848, equations 6 and 7.
    """

    fixed = ("objective",)
    settings = ("variant", "off_diagonal_weight", "diagonal_weight")

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        variant: str = "I",
        off_diagonal_weight: FloatOrSchedule = 10.0,
        diagonal_weight: FloatOrSchedule | None = None,
        **kwargs: Any,
    ):
        objective = DisentangledInferredPrior(variant, off_diagonal_weight, diagonal_weight)
        super().__init__(encoder, decoder, objective=objective, **kwargs)
