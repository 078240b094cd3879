from typing import Any

import keras

from keras_ae.autoencoder import Autoencoder
from keras_ae.latents import Posterior
from keras_ae.networks import Network
from keras_ae.objectives import MaximumMeanDiscrepancy


@keras.saving.register_keras_serializable(package="keras_ae")
class WAE(Autoencoder):
    """Wasserstein autoencoder (WAE-MMD): matches the aggregate posterior to the prior with a kernel.

        loss = reconstruction + lambda_ * MMD^2(q(z), p(z))

    The encoder is deterministic unless `posterior="diagonal_normal"`. With `likelihood=Normal(1.0)` the reconstruction
    term is half the squared distance (the paper's transport cost) plus a constant.

    Args:
        lambda_, kernel: as in `keras_ae.objectives.MaximumMeanDiscrepancy`.
        posterior: `"deterministic"` or any other posterior.
        prior: the distribution that the codes are matched to; a prior with weights is trained too, by the gradients of
            its draws.
        encoder, decoder, latent_dim, likelihood, condition, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np
        >>> model = WAE(latent_dim=2)
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)
        >>> model.sample(3, seed=7).shape
        TensorShape([3, 8, 8, 1])

    References:
        Tolstikhin, Bousquet, Gelly and Schoelkopf 2018, "Wasserstein auto-encoders", arXiv:1711.01558, algorithm 2.
    """

    fixed = ("objective",)
    settings = ("lambda_", "kernel")

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        lambda_: float = 1000.0,
        kernel: str = "imq",
        posterior: str | Posterior = "deterministic",
        **kwargs: Any,
    ):
        objective = MaximumMeanDiscrepancy(lambda_, kernel=kernel)
        super().__init__(encoder, decoder, posterior=posterior, objective=objective, **kwargs)
