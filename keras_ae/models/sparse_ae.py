from typing import Any

import keras

from keras_ae.autoencoder import Autoencoder
from keras_ae.latents import Deterministic
from keras_ae.networks import Network
from keras_ae.objectives import Sparse
from keras_ae.schedules.values import FloatOrSchedule


@keras.saving.register_keras_serializable(package="keras_ae")
class SparseAE(Autoencoder):
    """Sparse autoencoder: a high-dimensional code with few active dimensions per example.

        loss = reconstruction + sparsity_weight * sum_j KL(target || mean over examples of z_j),  z in (0, 1)

    or, with `penalty="l1"`, + sparsity_weight * sum_j |z_j| for rectified codes, z >= 0. The code may be overcomplete.
    The model has no prior: call `fit_sampler` before `sample`.

    Args:
        penalty, sparsity_weight, target: as in `keras_ae.objectives.Sparse`.
        latent_dim: dimension of the code, D.
        encoder, decoder, likelihood, condition, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np
        >>> model = SparseAE(latent_dim=20)
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)
        >>> bool((model.encode(np.random.rand(5, 8, 8, 1)) > 0).numpy().all())
        True

    References:
        Ng 2011, "Sparse autoencoder", CS294A lecture notes, section 3.
    """

    fixed = ("posterior", "prior", "objective")
    settings = ("penalty", "sparsity_weight", "target")

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        latent_dim: int = 64,
        penalty: str = "kl",
        sparsity_weight: FloatOrSchedule | None = None,
        target: float = 0.05,
        **kwargs: Any,
    ):
        objective = Sparse(penalty, sparsity_weight, target=target)
        super().__init__(
            encoder,
            decoder,
            latent_dim=latent_dim,
            posterior=Deterministic(activation="sigmoid" if penalty == "kl" else "relu"),
            prior=None,
            objective=objective,
            **kwargs,
        )
