from typing import Any

import keras

from keras_ae.autoencoder import Autoencoder
from keras_ae.networks import Network
from keras_ae.objectives import Regularized
from keras_ae.schedules.values import FloatOrSchedule


@keras.saving.register_keras_serializable(package="keras_ae")
class RegularizedAE(Autoencoder):
    """Regularized autoencoder: a deterministic alternative to the VAE, with penalties on the code and the decoder.

        loss = reconstruction + beta/2 |z|^2 + decoder_weight * norm of the decoder's weights, or of its gradient

    The model has no prior: call `fit_sampler` before `sample`.

    Args:
        regularizer: `"l2"` for RAE-L2, `"gradient"` for RAE-GP, `None` for RAE.
        beta, decoder_weight, num_projections: as in `keras_ae.objectives.Regularized`.
        encoder, decoder, latent_dim, likelihood, condition, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np
        >>> model = RegularizedAE(latent_dim=2, regularizer="gradient")
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0).history
        >>> sorted(history)
        ['code_norm', 'gradient_norm', 'loss', 'reconstruction']

    References:
        Ghosh et al. 2020, "From variational to deterministic autoencoders", arXiv:1903.12436, equation 11.
    """

    fixed = ("posterior", "prior", "objective")
    settings = ("regularizer", "beta", "decoder_weight", "num_projections")

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        regularizer: str | None = "l2",
        beta: FloatOrSchedule = 0.1,
        decoder_weight: FloatOrSchedule | None = None,
        num_projections: int = 1,
        **kwargs: Any,
    ):
        weights = {"beta": beta, "decoder_weight": decoder_weight}
        objective = Regularized(regularizer, **weights, num_projections=num_projections)
        super().__init__(encoder, decoder, posterior="deterministic", prior=None, objective=objective, **kwargs)
