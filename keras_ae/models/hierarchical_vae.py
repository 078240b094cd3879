from collections.abc import Sequence
from typing import Any

import keras

from keras_ae.autoencoder import Autoencoder
from keras_ae.latents import HierarchicalNormal, TopDownNormal
from keras_ae.latents.priors import Prior
from keras_ae.latents.priors.hierarchical_normal import layer_sizes
from keras_ae.networks import Network


@keras.saving.register_keras_serializable(package="keras_ae")
class HierarchicalVAE(Autoencoder):
    """Hierarchical VAE with latent layers z = (z_1 ... z_L), in which each layer's prior depends on the layer above.

        loss = E_q[-log p(x|z)] + sum_l E_q[KL(q(z_l | z_(l+1), x) || p(z_l | z_(l+1)))]

    The posterior is `TopDownNormal`, which infers from the top down and shares the prior's networks; the decoder sees
    all layers. With a single layer, the model is a VAE with one more hidden layer in its encoder.

    Args:
        sizes: dimensions of z_1 ... z_L, where z_1 is next to the data; by default two layers, of which the upper has
            a quarter of `latent_dim`.
        latent_dim: the sum of the sizes, 16 by default.
        hidden: width of the hidden layer from z_(l+1) to z_l, in the prior and in the posterior.
        top: prior of z_L, such as `"masked_autoregressive_flow"`; `None` for N(0, I).
        encoder, decoder, likelihood, objective, condition, sampler, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np
        >>> model = HierarchicalVAE(sizes=[6, 3, 2])
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)
        >>> model.sample(3, seed=7).shape
        TensorShape([3, 8, 8, 1])

    References:
        Kingma et al. 2016, arXiv:1606.04934, appendix C ("bidirectional inference"); Soenderby et al. 2016,
        arXiv:1602.02282, section 2, for the generative model.
    """

    fixed = ("posterior", "prior")
    posterior_settings = ("hidden",)
    prior_settings = ("sizes", "top")

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        sizes: Sequence[int] | None = None,
        latent_dim: int | None = None,
        hidden: int = 64,
        top: str | Prior | None = None,
        **kwargs: Any,
    ):
        sizes = layer_sizes(sizes, latent_dim)
        super().__init__(
            encoder,
            decoder,
            latent_dim=sum(sizes) if latent_dim is None else latent_dim,
            posterior=TopDownNormal(hidden),
            prior=HierarchicalNormal(sizes, hidden=[hidden], top=top),
            **kwargs,
        )
