from typing import Any

import keras

from keras_ae import latents
from keras_ae.autoencoder import Autoencoder
from keras_ae.networks import Network


@keras.saving.register_keras_serializable(package="keras_ae")
class FlowPriorVAE(Autoencoder):
    """VAE with a normalizing flow of affine couplings as a learned prior.

        loss = E_q[-log p(x|z) + log q(z|x) - log p(z)],  z = f_T(... f_1(e)),  e ~ N(0, I)

    Args:
        steps: number of couplings f_t, T.
        latent_dim: dimension of the code, at least 2.
        encoder, decoder, posterior, likelihood, objective, condition, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np
        >>> model = FlowPriorVAE(latent_dim=4)
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)

    References:
        Dinh, Sohl-Dickstein and Bengio 2017, arXiv:1605.08803, equations 3 to 8, for the flow;
        Chen et al. 2017, arXiv:1611.02731, section 3.2, for flows as priors.
    """

    fixed = ("prior",)
    prior_settings = ("steps",)

    def __init__(self, encoder: Network = "mlp", decoder: Network = "mlp", *, steps: int = 4, **kwargs: Any):
        super().__init__(encoder, decoder, prior=latents.RealNVP(steps), **kwargs)
