import keras

from keras_ae.latents.posteriors.vector_quantizer import VectorQuantizer
from keras_ae.validation.arguments import MAX_DEPTH, check_size


@keras.saving.register_keras_serializable(package="keras_ae")
class ResidualVectorQuantizer(VectorQuantizer):
    """Residual vector quantization: each codebook quantizes the residual that the previous ones left:

        r_0 = z_e(x),  k_i = argmin_j |r_(i-1) - e_ij|,  r_i = r_(i-1) - e_(i, k_i),  z_q = sum_i e_(i, k_i)

    Each of the latent_dim / code_dim positions takes one of K^depth values, far more than a single codebook could hold.
    Use it with the objective `VectorQuantization`, whose commitment then sums |z_e - z_q|^2 over the partial sums z_q.
    Every depth has its own codebook, as in Zeghidour 2021, which learns as in `VectorQuantizer`.
    `model.posterior(x).index` holds the indices of the entries, [B, positions * depth]; the indices of one position are
    adjacent.

    Args:
        num_codes: number of entries in each codebook, K.
        code_dim: dimension of an entry.
        depth: number of codebooks (symbol D in Lee 2022, N_q in Zeghidour 2021).
        update, decay, revive_below, seed: as in `VectorQuantizer`.

    Example:
        >>> import numpy as np, keras_ae as kae
        >>> quantizer = ResidualVectorQuantizer(16, code_dim=4, depth=3)
        >>> model = kae.Autoencoder(latent_dim=8, posterior=quantizer, prior=None, objective="vector_quantization")
        >>> model.compile()
        >>> history = model.fit(np.random.rand(64, 8, 8, 1), verbose=0)
        >>> model.posterior(np.random.rand(5, 8, 8, 1)).index.shape
        TensorShape([5, 6])

    References:
        Zeghidour et al. 2021, arXiv:2107.03312, section III.C, algorithm 1; Lee et al. 2022, arXiv:2203.01941,
        section 3.1, for the commitment.
    """

    def __init__(
        self,
        num_codes: int = 256,
        *,
        code_dim: int = 4,
        depth: int = 4,
        update: str = "ema",
        decay: float = 0.99,
        revive_below: float = 0.01,
        seed: int = 0,
        **kwargs,
    ):
        learning = {"update": update, "decay": decay, "revive_below": revive_below, "seed": seed}
        super().__init__(num_codes, code_dim=code_dim, **learning, **kwargs)
        self.depth = check_size("depth", depth, high=MAX_DEPTH)
