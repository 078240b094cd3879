from typing import Any

import keras

from keras_ae import latents
from keras_ae.autoencoder import Autoencoder
from keras_ae.networks import Network


@keras.saving.register_keras_serializable(package="keras_ae")
class FlowPosteriorVAE(Autoencoder):
    """VAE with an inverse autoregressive flow as posterior, which models correlated latent dimensions.

        loss = E_q[-log p(x|z) + log q(z|x) - log p(z)],  z = f_T(... f_1(z_0)),  z_0 ~ N(loc(x), diag(scale(x)^2))

    Args:
        steps: number of flow steps f_t, T.
        encoder, decoder, latent_dim, prior, likelihood, objective, condition, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np
        >>> model = FlowPosteriorVAE(latent_dim=4)
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)

    References:
        Kingma et al. 2016, arXiv:1606.04934, algorithm 1.
    """

    fixed = ("posterior",)
    posterior_settings = ("steps",)

    def __init__(self, encoder: Network = "mlp", decoder: Network = "mlp", *, steps: int = 2, **kwargs: Any):
        super().__init__(encoder, decoder, posterior=latents.InverseAutoregressiveFlow(steps=steps), **kwargs)
