from typing import Any

import keras

from keras_ae.autoencoder import Autoencoder
from keras_ae.networks import Network
from keras_ae.objectives import Denoising


@keras.saving.register_keras_serializable(package="keras_ae")
class DenoisingAE(Autoencoder):
    """Denoising autoencoder: reconstructs the clean example from a corrupted copy, for codes that are robust to noise.

        loss = reconstruction = -log p(x|z),  z = encoder(corrupt(x))

    `reconstruct` denoises a noisy example. The model has no prior: call `fit_sampler` before `sample`.

    Args:
        corruption, amount, support: as in `keras_ae.objectives.Denoising`.
        encoder, decoder, latent_dim, likelihood, condition, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np
        >>> model = DenoisingAE(latent_dim=2, corruption="salt_and_pepper", amount=0.1)
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)
        >>> model.reconstruct(np.random.rand(5, 8, 8, 1)).shape
        TensorShape([5, 8, 8, 1])

    References:
        Vincent et al. 2008, "Extracting and composing robust features with denoising autoencoders", ICML, equation 5;
        Vincent et al. 2010, "Stacked denoising autoencoders", JMLR 11.
    """

    fixed = ("posterior", "prior", "objective")
    settings = ("corruption", "amount", "support")

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        corruption: str = "masking",
        amount: float = 0.25,
        support: tuple[float, float] | None = None,
        **kwargs: Any,
    ):
        objective = Denoising(corruption, amount, support=support)
        super().__init__(encoder, decoder, posterior="deterministic", prior=None, objective=objective, **kwargs)
