from typing import Any

import keras

from keras_ae.autoencoder import Autoencoder
from keras_ae.latents import Prior, ResidualVectorQuantizer
from keras_ae.networks import Network
from keras_ae.objectives import VectorQuantization


@keras.saving.register_keras_serializable(package="keras_ae")
class ResidualVQVAE(Autoencoder):
    """Residual VQ-VAE: represents each position of the code as a sum of codebook entries, one per depth.

        loss = reconstruction + commitment_weight * sum_i |z_e - sg(z_qi)|^2,  z_qi = the sum of the first i entries

    `ResidualVectorQuantizer` describes how the entries are chosen and learned. Call
    `model.fit_sampler("autoregressive", x)` before `sample`, or train a prior with the model:
    `prior="autoregressive"`.

    Args:
        latent_dim: dimension of the code, D; it has latent_dim / code_dim positions.
        num_codes: number of entries in each codebook (symbol K).
        code_dim: dimension of a codebook entry.
        depth: number of codebooks (symbol D in Lee 2022).
        commitment_weight: >= 0 (symbol beta).
        decay, revive_below: as in `keras_ae.latents.VectorQuantizer`.
        prior: `None`, `"autoregressive"` or an `AutoregressivePrior`.
        encoder, decoder, likelihood, condition, sampler, seed: as in `Autoencoder`.

    Example:
        >>> import numpy as np
        >>> model = ResidualVQVAE(latent_dim=8, num_codes=16, code_dim=4, depth=3)
        >>> model.compile()
        >>> x = np.random.rand(64, 8, 8, 1)
        >>> history = model.fit(x, verbose=0)
        >>> model.posterior(x[:5]).index.shape
        TensorShape([5, 6])

    References:
        Lee et al. 2022, "Autoregressive image generation using residual quantization", arXiv:2203.01941, section 3.1;
        Zeghidour et al. 2021, "SoundStream", arXiv:2107.03312, section III.C, algorithm 1, for a codebook for each
        depth; van den Oord, Vinyals and Kavukcuoglu 2017, arXiv:1711.00937, equation 3, for a single one.
    """

    fixed = ("posterior", "objective")
    settings = ("commitment_weight",)
    posterior_settings = ("num_codes", "code_dim", "depth", "decay", "revive_below")

    def __init__(
        self,
        encoder: Network = "mlp",
        decoder: Network = "mlp",
        *,
        latent_dim: int = 64,
        num_codes: int = 256,
        code_dim: int = 16,
        depth: int = 4,
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
            posterior=ResidualVectorQuantizer(
                num_codes, code_dim=code_dim, depth=depth, decay=decay, revive_below=revive_below
            ),
            prior=prior,
            objective=VectorQuantization(commitment_weight),
            **kwargs,
        )
