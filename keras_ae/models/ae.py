from typing import Any

import keras

from keras_ae.autoencoder import Autoencoder
from keras_ae.conditions import Condition
from keras_ae.likelihoods import Likelihood
from keras_ae.networks import Network


@keras.saving.register_keras_serializable(package="keras_ae")
class AE(Autoencoder):
    """Autoencoder: compresses each example to a code and decodes it, minimizing the reconstruction error.

        loss = reconstruction = -log p(x|z),  z = encoder(x)

    With `likelihood=Normal(1.0)` the loss is half the squared error plus a constant. The model has no prior: call
    `fit_sampler`, which fits a density to the codes, before `sample`.

    Args:
        encoder, decoder, latent_dim, likelihood, condition, sampler, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np
        >>> model = AE(latent_dim=2)
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)
        >>> model.encode(np.random.rand(5, 8, 8, 1)).shape
        TensorShape([5, 2])

    References:
        Hinton and Salakhutdinov 2006, "Reducing the dimensionality of data with neural networks", Science 313;
        Goodfellow, Bengio and Courville 2016, "Deep learning", MIT Press, equation 14.1.
    """

    fixed = ("posterior", "prior", "objective")

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        latent_dim: int = 16,
        likelihood: str | Likelihood = "bernoulli",
        condition: Condition | dict[str, Condition] | None = None,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(
            encoder,
            decoder,
            latent_dim=latent_dim,
            posterior="deterministic",
            prior=None,
            likelihood=likelihood,
            objective="reconstruction",
            condition=condition,
            seed=seed,
            **kwargs,
        )
