from typing import Any

import keras

from keras_ae.autoencoder import Autoencoder
from keras_ae.networks import Network
from keras_ae.objectives import Contractive
from keras_ae.schedules.values import FloatOrSchedule


@keras.saving.register_keras_serializable(package="keras_ae")
class ContractiveAE(Autoencoder):
    """Contractive autoencoder: penalizes the encoder's Jacobian, so small changes of an example barely move its code.

        loss = reconstruction + contraction_weight * |dz/dx|_F^2

    The model has no prior: call `fit_sampler` before `sample`.

    Args:
        contraction_weight, num_projections: as in `keras_ae.objectives.Contractive`.
        encoder, decoder, latent_dim, likelihood, condition, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np
        >>> model = ContractiveAE(latent_dim=2)
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0).history
        >>> sorted(history)
        ['contraction', 'loss', 'reconstruction']

    References:
        Rifai et al. 2011, "Contractive auto-encoders: explicit invariance during feature extraction", ICML,
        equation 7.
    """

    fixed = ("posterior", "prior", "objective")
    settings = ("contraction_weight", "num_projections")

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        contraction_weight: FloatOrSchedule = 0.1,
        num_projections: int = 1,
        **kwargs: Any,
    ):
        objective = Contractive(contraction_weight, num_projections=num_projections)
        super().__init__(encoder, decoder, posterior="deterministic", prior=None, objective=objective, **kwargs)
