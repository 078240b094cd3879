from typing import Any

import keras

from keras_ae.autoencoder import Autoencoder
from keras_ae.networks import Network


@keras.saving.register_keras_serializable(package="keras_ae")
class SphericalVAE(Autoencoder):
    """VAE with codes on the unit sphere: power spherical posterior and uniform prior.

        loss = E_q[-log p(x|z)] + KL(q(z|x) || p(z)),  q(z|x) ~ (1 + direction(x)'z)^concentration(x),  |z| = 1

    The uniform prior does not pull codes toward an origin. The KL has a closed form.

    Args:
        latent_dim: dimension of the space around the sphere, at least 2; the sphere has one dimension less.
        encoder, decoder, likelihood, objective, condition, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np
        >>> model = SphericalVAE(latent_dim=3)
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)
        >>> bool(np.allclose(np.linalg.norm(model.encode(np.random.rand(5, 8, 8, 1)), axis=1), 1.0, atol=1e-5))
        True

    References:
        Davidson et al. 2018, arXiv:1804.00891, section 3; De Cao and Aziz 2020, arXiv:2006.04437, equations 48 and 72,
        for the distribution and its KL.
    """

    fixed = ("posterior", "prior")

    def __init__(self, encoder: Network = "mlp", decoder: Network = "mlp", **kwargs: Any):
        super().__init__(encoder, decoder, posterior="power_spherical", prior="spherical_uniform", **kwargs)
