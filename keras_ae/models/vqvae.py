from typing import Any

import keras

from keras_ae.autoencoder import Autoencoder
from keras_ae.latents import Prior, VectorQuantizer
from keras_ae.networks import Network
from keras_ae.objectives import VectorQuantization


@keras.saving.register_keras_serializable(package="keras_ae")
class VQVAE(Autoencoder):
    """VQ-VAE: an autoencoder with discrete codes, made of entries of a learned codebook.

        loss = reconstruction + commitment_weight * |z_e - sg(z_q)|^2,  z_q = the entries nearest to z_e = encoder(x)

    The codebook is updated by moving averages, as `VectorQuantizer` describes. Call
    `model.fit_sampler("autoregressive", x)` before `sample`, or train a prior with the model:
    `prior="autoregressive"`.

    Args:
        latent_dim: dimension of the code, D; it holds latent_dim / code_dim entries.
        num_codes: number of codebook entries (symbol K).
        code_dim: dimension of an entry (symbol D in the paper). Fewer, longer entries reconstruct worse, but their
            indices are easier to model and sample.
        commitment_weight: >= 0 (symbol beta).
        decay, revive_below: as in `keras_ae.latents.VectorQuantizer`.
        prior: `None`, `"autoregressive"` or an `AutoregressivePrior`.
        encoder, decoder, likelihood, condition, sampler, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np
        >>> model = VQVAE(latent_dim=8, num_codes=16, code_dim=2)
        >>> model.compile()
        >>> x = np.random.rand(64, 8, 8, 1)
        >>> history = model.fit(x, verbose=0)
        >>> model.posterior(x[:5]).index.shape
        TensorShape([5, 4])

    References:
        van den Oord, Vinyals and Kavukcuoglu 2017, "Neural discrete representation learning", arXiv:1711.00937,
        equation 3 and appendix A.1.
    """

    fixed = ("posterior", "objective")
    settings = ("commitment_weight",)
    posterior_settings = ("num_codes", "code_dim", "decay", "revive_below")

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        latent_dim: int = 64,
        num_codes: int = 512,
        code_dim: int = 8,
        commitment_weight: float = 0.25,
        decay: float = 0.99,
        revive_below: float = 0.01,
        prior: str | Prior | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            encoder,
            decoder,
            latent_dim=latent_dim,
            posterior=VectorQuantizer(num_codes, code_dim=code_dim, decay=decay, revive_below=revive_below),
            prior=prior,
            objective=VectorQuantization(commitment_weight),
            **kwargs,
        )
