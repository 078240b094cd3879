import keras

from keras_ae.autoencoder import Autoencoder
from keras_ae.objectives import MaximumMeanDiscrepancy


@keras.saving.register_keras_serializable(package="keras_ae")
class WAE(Autoencoder):
    """Wasserstein autoencoder (WAE-MMD): an autoencoder whose codes together follow a prior that can be sampled.

        loss = reconstruction + lambda_ * MMD^2(q(z), p(z))

    The encoder is deterministic unless `posterior="diagonal_normal"`. With `likelihood=Normal(1.0)` the reconstruction
    term is half the squared distance, the cost of the paper's transport, and a constant.

    Args:
        lambda_, kernel: as in `keras_ae.objectives.MaximumMeanDiscrepancy`.
        posterior: `"deterministic"` or any other.
        prior: what codes are to follow together; one with weights moves towards them, by the gradients of its draws.
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
        self, encoder="mlp", decoder="mlp", *, lambda_=1000.0, kernel="imq", posterior="deterministic", **kwargs
    ):
        objective = MaximumMeanDiscrepancy(lambda_, kernel=kernel)
        super().__init__(encoder, decoder, posterior=posterior, objective=objective, **kwargs)
