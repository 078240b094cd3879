import copy
from typing import Any

import keras

from keras_ae.autoencoder import Autoencoder
from keras_ae.networks import Network
from keras_ae.objectives import Capacity
from keras_ae.schedules import LinearWarmUp
from keras_ae.schedules.values import FloatOrSchedule

_CAPACITY = LinearWarmUp(2_000, end=25.0)


@keras.saving.register_keras_serializable(package="keras_ae")
class AnnealedVAE(Autoencoder):
    """Annealed VAE: the capacity of the code grows during training, so factors of variation are learned one by one.

        loss = reconstruction + gamma * |kl - capacity(step)|

    Args:
        capacity: target KL in nats per example (symbol C), a number or a schedule; by default it grows from 0 to 25 in
            2,000 steps. The paper uses 100,000 steps.
        gamma: weight of the distance between the KL and the capacity. The paper uses 1000, for long training runs: with
            a large weight, the first steps minimize little but the KL.
        encoder, decoder, latent_dim, posterior, prior, likelihood, condition, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> model = AnnealedVAE(latent_dim=2, capacity=kae.schedules.LinearWarmUp(100, end=5.0))
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)
        >>> model.objective.warm_up
        100

    References:
        Burgess et al. 2018, "Understanding disentangling in beta-VAE", arXiv:1804.03599, equation 8.
    """

    fixed = ("objective",)
    settings = ("capacity", "gamma")

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        capacity: FloatOrSchedule = _CAPACITY,
        gamma: FloatOrSchedule = 10.0,
        **kwargs: Any,
    ):
        capacity = copy.copy(capacity) if capacity is _CAPACITY else capacity  # each model may change its own
        super().__init__(encoder, decoder, objective=Capacity(capacity, gamma), **kwargs)
