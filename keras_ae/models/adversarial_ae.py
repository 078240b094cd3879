from typing import Any

import keras

from keras_ae.autoencoder import Autoencoder
from keras_ae.latents import Posterior
from keras_ae.networks import Network
from keras_ae.objectives import AdversarialMatching
from keras_ae.schedules.values import FloatOrSchedule


@keras.saving.register_keras_serializable(package="keras_ae")
class AdversarialAE(Autoencoder):
    """Adversarial autoencoder: a discriminator matches the aggregate posterior q(z) to the prior p(z).

        loss = reconstruction + matching_weight * matching,  matching = -log D(z)

    `AdversarialMatching` defines the loss of D. Each code may be a point; together the codes follow the prior, so
    sampling from the prior gives plausible examples.

    Args:
        prior: the distribution that the codes are matched to. It is not trained: pass `trainable=False` to a prior
            with weights, as in `NormalMixture(10, trainable=False)`.
        posterior: `"deterministic"`, or a stochastic posterior such as `"diagonal_normal"`; the paper has both.
        matching_weight: a number >= 0 or a schedule.
        discriminator: network from codes [B, D] to features: a name or a Keras layer.
        encoder, decoder, latent_dim, likelihood, condition, sampler, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np
        >>> model = AdversarialAE(latent_dim=2)
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)
        >>> model.sample(3, seed=7).shape
        TensorShape([3, 8, 8, 1])

    References:
        Makhzani et al. 2015, "Adversarial autoencoders", arXiv:1511.05644, section 2.
    """

    fixed = ("objective",)
    settings = ("matching_weight", "discriminator")

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        posterior: str | Posterior = "deterministic",
        matching_weight: FloatOrSchedule = 10.0,
        discriminator: Network = "mlp",
        **kwargs: Any,
    ):
        objective = AdversarialMatching(matching_weight, discriminator=discriminator)
        super().__init__(encoder, decoder, posterior=posterior, objective=objective, **kwargs)
