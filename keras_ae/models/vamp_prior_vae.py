from typing import Any

import keras

from keras_ae import latents
from keras_ae.autoencoder import Autoencoder
from keras_ae.networks import Network


@keras.saving.register_keras_serializable(package="keras_ae")
class VampPriorVAE(Autoencoder):
    """VAE with a VampPrior, a mixture of the posteriors of learned pseudo-inputs, as prior.

        loss = E_q[-log p(x|z) + log q(z|x) - log p(z)],  p(z) = 1/K sum_k q(z|u_k)

    Args:
        components: number of pseudo-inputs, K.
        encoder, decoder, latent_dim, posterior, likelihood, objective, condition, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np
        >>> model = VampPriorVAE(latent_dim=2, components=20)
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)

    References:
        Tomczak and Welling 2018, arXiv:1705.07120, equation 9, and section 5 for 500 pseudo-inputs.
    """

    fixed = ("prior",)
    prior_settings = ("components",)

    def __init__(self, encoder: Network = "mlp", decoder: Network = "mlp", *, components: int = 500, **kwargs: Any):
        super().__init__(encoder, decoder, prior=latents.VampPrior(components), **kwargs)
