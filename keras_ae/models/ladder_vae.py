from collections.abc import Sequence
from typing import Any

import keras

from keras_ae import networks
from keras_ae.autoencoder import Autoencoder
from keras_ae.latents import HierarchicalNormal, LadderNormal
from keras_ae.latents.priors import Prior
from keras_ae.latents.priors.hierarchical_normal import layer_sizes
from keras_ae.networks import Network
from keras_ae.objectives import ELBO, Objective
from keras_ae.schedules import LinearWarmUp


@keras.saving.register_keras_serializable(package="keras_ae")
class LadderVAE(Autoencoder):
    """Ladder VAE: latent layers z = (z_1 ... z_L), inferred by merging bottom-up evidence with the top-down prior.

        loss = E_q[-log p(x|z_1)] + beta(step) * sum_l E_q[KL(q(z_l | z_(l+1), x) || p(z_l | z_(l+1)))]

    The posterior is `LadderNormal`. As in the paper, the decoder sees z_1 alone and the KL is warmed up, because the
    upper layers stay unused otherwise: over 200 epochs of MNIST in the paper, over 2,000 steps here unless you pass an
    `objective`. For the paper's batch normalization, pass networks that have it.

    Args:
        sizes: dimensions of z_1 ... z_L, where z_1 is next to the data; by default two layers, of which the upper has
            a quarter of `latent_dim`. The paper has [64, 32, 16, 8, 4].
        latent_dim: the sum of the sizes, 16 by default.
        hidden: width of the hidden layers from z_(l+1) to z_l in the prior, and from d_l to d_(l+1) in the
            posterior.
        top: prior of z_L, such as `"masked_autoregressive_flow"`; `None` for N(0, I).
        objective: a name or an `Objective`; by default the ELBO with a warm-up of 2,000 steps.
        encoder, decoder, likelihood, condition, sampler, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np
        >>> model = LadderVAE(sizes=[6, 3, 2])
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)
        >>> model.sample(3, seed=7).shape
        TensorShape([3, 8, 8, 1])

    References:
        Soenderby et al. 2016, "Ladder variational autoencoders", arXiv:1602.02282, section 2, equations 18 and 19
        (as numbered in a NeurIPS 2016 review).
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
        objective: str | Objective | None = None,
        **kwargs: Any,
    ):
        sizes = layer_sizes(sizes, latent_dim)
        if not isinstance(decoder, networks.FirstValues):
            decoder = networks.FirstValues(networks.get("decoder", decoder), sizes[0])
        super().__init__(
            encoder,
            decoder,
            latent_dim=sum(sizes) if latent_dim is None else latent_dim,
            posterior=LadderNormal(hidden),
            prior=HierarchicalNormal(sizes, hidden=[hidden], top=top),
            objective=ELBO(LinearWarmUp(2000)) if objective is None else objective,
            **kwargs,
        )
